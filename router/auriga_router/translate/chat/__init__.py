"""OpenAI's chat completions. Shapes: https://platform.openai.com/docs/api-reference/chat

Also what llama-server, vLLM, Ollama, Gemini's compatible endpoint and most providers speak, each with its own slips.
"""

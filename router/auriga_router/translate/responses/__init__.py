"""OpenAI's Responses, stateless. Shapes: https://platform.openai.com/docs/api-reference/responses

Spoken to callers only: endpoints are asked in chat completions or Messages, and every answer is written anew.
"""

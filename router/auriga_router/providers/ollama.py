"""Ollama, by its OpenAI-compatible endpoint: https://docs.ollama.com/api/openai-compatibility. Pure."""

from __future__ import annotations

from auriga_router.providers.facts import OPENAI_PATHS, Provider
from auriga_router.translate import Target

OLLAMA = Provider(OPENAI_PATHS, Target, default_url="http://127.0.0.1:11434", version="/v1")
"""Ollama's own clients take the bare address; its OpenAI dialect lives under /v1."""

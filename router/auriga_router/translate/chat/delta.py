"""What a message or a delta of a chat completion says, in the ways that different servers say it. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.numbers import word

_OPEN, _CLOSE = "<thought>", "</thought>"


def thoughts(message: Json) -> str:
    """llama-server and DeepSeek call it ``reasoning_content``; Ollama, OpenRouter and newer vLLM ``reasoning``."""
    return word(message, "reasoning_content") or word(message, "reasoning")


def said(message: Json) -> tuple[str, str]:
    """Thoughts and words in ``content``.

    Mostly a string of words. Mistral gives parts, thoughts among them; Gemini marks thoughts beside the string, and
    puts tags around them (https://ai.google.dev/gemini-api/docs/openai#thinking).
    """
    content = message.get("content")
    if isinstance(content, str):
        if content and _is_thought(message):
            return content.removeprefix(_OPEN).removesuffix(_CLOSE), ""
        return "", content
    if not isinstance(content, list):
        return "", ""
    thought, text = "", ""
    for part in content:
        if word(part, "type") == "thinking":
            thought += _inner(part.get("thinking"))
        else:
            text += word(part, "text")
    return thought, text


def _inner(thinking: object) -> str:
    if isinstance(thinking, list):
        return "".join(word(piece, "text") for piece in thinking)
    return thinking if isinstance(thinking, str) else ""


def _is_thought(message: Json) -> bool:
    extra = message.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True

"""The plain values of a request: are numbers numbers, and are there words to answer? Pure.

Refused is only what OpenAI, Anthropic and llama-server all refuse, or answer with something that nobody can want.
"""

from __future__ import annotations

from typing import Final

from auriga_router.body import BodyError
from auriga_router.dialects import Document, Operation
from auriga_router.dialects.openai import CHAT

_NUMBER: Final = 1
_LIMIT: Final = 2
_PROMPT: Final = 3
_KINDS: Final = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens"), _LIMIT),
    **dict.fromkeys(("prompt", "input"), _PROMPT),
    **dict.fromkeys(
        ("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "seed", "n",
         "top_logprobs"), _NUMBER),
}  # fmt: skip
_NUMERIC: Final = (int, float)
_NO_LIMIT: Final = -1
"""As llama-server's callers write it."""


def check(operation: Operation, document: Document) -> None:
    """Raises BodyError."""
    for name, value in document.items():
        kind = _KINDS.get(name)
        if kind is None or value is None:
            continue
        if kind == _PROMPT:
            _check_prompt(name, value)
        elif not isinstance(value, _NUMERIC) or value is True or value is False:
            raise BodyError(f"{name}: must be a number", name)
        elif kind == _LIMIT and (value < 1 or value != value // 1):
            _check_limit(operation, name, value)


def _check_limit(operation: Operation, name: str, value: float) -> None:
    """Zero is for scoring with plain completions, and to warm Anthropic's cache; a chat without a word is neither."""
    if value != value // 1:
        raise BodyError(f"{name}: must be a whole number", name)
    least, instead = (1, ": leave it out for no limit") if operation is CHAT else (0, "")
    if value < least and value != _NO_LIMIT:
        raise BodyError(f"{name}: must be at least {least}{instead}", name)


def _check_prompt(name: str, value: object) -> None:
    """Text, or a list of texts or tokens; llama-server takes objects, too."""
    if not isinstance(value, str | list | dict):
        raise BodyError(f"{name}: must be a string or a list", name)
    if value == []:
        raise BodyError(f"{name}: must not be empty", name)

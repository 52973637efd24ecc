"""The plain values of a request: are numbers numbers, and are there words to answer? Pure.

Refused is only what OpenAI, Anthropic and llama-server all refuse, or answer with something that nobody can want.
"""

from __future__ import annotations

from typing import Final

from auriga_router.body import BodyError
from auriga_router.dialects import Document, Operation
from auriga_router.dialects.openai import CHAT

_LIMITS: Final = frozenset({"max_tokens", "max_completion_tokens"})
_NUMBERS: Final = _LIMITS | {
    "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "seed", "n", "top_logprobs",
}  # fmt: skip
_PROMPTS: Final = frozenset({"prompt", "input"})
_NUMERIC: Final = (int, float)
_NO_LIMIT: Final = -1
"""As llama-server's callers write it."""


def check(operation: Operation, document: Document) -> None:
    """Raises BodyError."""
    for name in document:
        if name in _NUMBERS:
            value = document[name]
            if value is None:
                continue
            if not isinstance(value, _NUMERIC):
                raise BodyError(f"{name}: must be a number", name)
            if name in _LIMITS and (value < 1 or value != value // 1):
                _check_limit(operation, name, value)
        elif name in _PROMPTS:
            _check_prompt(name, document[name])


def _check_limit(operation: Operation, name: str, value: float) -> None:
    """Zero is for scoring with plain completions, and to warm Anthropic's cache; a chat without a word is neither."""
    if value != value // 1:
        raise BodyError(f"{name}: must be a whole number", name)
    least, instead = (1, ": leave it out for no limit") if operation is CHAT else (0, "")
    if value < least and value != _NO_LIMIT:
        raise BodyError(f"{name}: must be at least {least}{instead}", name)


def _check_prompt(name: str, value: object) -> None:
    """Text, or a list of texts or tokens; llama-server takes objects, too."""
    if value is not None and not isinstance(value, str | list | dict):
        raise BodyError(f"{name}: must be a string or a list", name)
    if value == []:
        raise BodyError(f"{name}: must not be empty", name)

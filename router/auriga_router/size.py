"""How many tokens a prompt has at the very least, so that what cannot fit is not sent. Pure.

llama.cpp takes a second for each megabyte that it turns into tokens, only to say that it does not fit. No token of a
vocabulary in wide use is longer than 128 characters (runs of spaces; words are a tenth of that). Assistants' turns do
not count: templates leave out what was thought in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auriga_router.dialects import Document, Operation
from auriga_router.table import Chain

LONGEST_TOKEN: Final = 128
"""Characters."""
LONG: Final = 64 * 1024
"""Bytes of a request that is worth a look."""
_GENERATES: Final = frozenset({"chat", "text_completion"})
_LISTS: Final = ("messages", "input", "system")


def least_tokens(operation: Operation, document: Document, size: int, chain: Chain) -> int:
    """0 if nobody's context is known to be too small. ``size``: bytes of the body."""
    if size < LONG or operation.name not in _GENERATES:
        return 0
    contexts = [member.backend.context_length for member in chain.members]
    if not any(0 < context * LONGEST_TOKEN < size for context in contexts):
        return 0
    least = max(sum(map(len, _texts(document))) // LONGEST_TOKEN, _tokens(document.get("prompt")))
    return least if any(0 < context <= least for context in contexts) else 0


def _tokens(prompt: object) -> int:
    """Of a prompt that comes as tokens."""
    return len(prompt) if isinstance(prompt, list) and all(type(token) is int for token in prompt) else 0


def _texts(document: Document) -> Iterator[str]:
    """What every template puts into the prompt. Many trim it."""
    for name in ("prompt", "instructions", *_LISTS):
        value = document.get(name)
        if isinstance(value, str):
            yield value.strip()
        elif isinstance(value, list) and name in _LISTS:
            yield from _of_turns(value)


def _of_turns(turns: list[object]) -> Iterator[str]:
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") == "assistant":
            continue
        content = turn.get("content") or turn.get("text")
        for part in content if isinstance(content, list) else (content,):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                yield text.strip()

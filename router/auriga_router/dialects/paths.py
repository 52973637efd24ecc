"""Which operation a path means: under ``/v1``, or under the aliases that name the dialect. Pure."""

from __future__ import annotations

from auriga_router.dialects import Dialect, Operation, anthropic, openai

_ANTHROPIC = (anthropic.MESSAGES, anthropic.COUNT_TOKENS)
ALIASES = {b"/api/openai": openai.DIALECT, b"/api/anthropic": anthropic.DIALECT}
"""Clients that want a base URL for each dialect get one. OpenAI's own end in ``/v1`` or not, as one is used to."""


def _paths() -> dict[bytes, Operation]:
    paths = {b"/v1" + operation.path: operation for operation in (*openai.OPERATIONS, *_ANTHROPIC)}
    for operation in openai.OPERATIONS:
        paths[b"/api/openai/v1" + operation.path] = paths[b"/api/openai" + operation.path] = operation
    for operation in _ANTHROPIC:
        paths[b"/api/anthropic/v1" + operation.path] = operation
    return paths


OPERATIONS = _paths()


def dialect_of(path: bytes) -> Dialect:
    """In which dialect to speak to somebody who asked for this path, whatever it is."""
    operation = OPERATIONS.get(path)
    if operation is not None:
        return operation.dialect
    return anthropic.DIALECT if path.startswith((b"/v1/messages", b"/api/anthropic/")) else openai.DIALECT


def plain(path: bytes) -> bytes:
    """The path under ``/v1`` that an alias stands for; any other path as it is."""
    for prefix in ALIASES:
        if path.startswith(prefix + b"/"):
            rest = path.removeprefix(prefix)
            return rest if rest.startswith(b"/v1/") else b"/v1" + rest
    return path

"""Which operation a path means, whatever base URL it was made from. Pure."""

from __future__ import annotations

from auriga_router.dialects import Dialect, anthropic, openai

_ANTHROPIC = (anthropic.MESSAGES, anthropic.COUNT_TOKENS)
_BY_ALIAS = {
    b"": (*openai.OPERATIONS, *_ANTHROPIC),
    b"/api/openai": openai.OPERATIONS,
    b"/api/anthropic": _ANTHROPIC,
}
"""Clients that want a base URL for each dialect get one."""
_VERSIONS = (b"", b"/v1", b"/v1/v1")
"""OpenAI's client wants ``/v1`` in its base URL and Anthropic's adds it: with either, people do the other, too."""
OPERATIONS = {
    alias + version + operation.path: operation
    for alias, operations in _BY_ALIAS.items()
    for version in _VERSIONS
    for operation in operations
}


def dialect_of(path: bytes) -> Dialect:
    """In which dialect to speak to somebody who asked for this path, whatever it is."""
    operation = OPERATIONS.get(path)
    if operation is not None:
        return operation.dialect
    theirs = path.startswith(b"/api/anthropic/") or plain(path).startswith(b"/v1/messages")
    return anthropic.DIALECT if theirs else openai.DIALECT


def plain(path: bytes) -> bytes:
    """The path under ``/v1`` that is meant by one below an alias, by one without ``/v1``, or with two of them."""
    rest = path
    for alias in (b"/api/openai", b"/api/anthropic"):
        if path.startswith(alias + b"/"):
            rest = path.removeprefix(alias)
    rest = rest.removeprefix(b"/v1").removeprefix(b"/v1")
    return b"/v1" + rest if rest != path or rest.startswith(_OURS) else path


_OURS = (b"/models", *(operation.path for operation in (*openai.OPERATIONS, *_ANTHROPIC)))

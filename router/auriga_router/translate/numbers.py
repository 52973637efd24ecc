"""Numbers and words in what an endpoint sent, where nothing can be taken for granted. Pure."""

from __future__ import annotations

_MOST = 2**53


def whole(value: object) -> int | None:
    """A whole number, also one that is written as 50.0; None for whatever is not one."""
    if isinstance(value, float) and -_MOST <= value <= _MOST and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def count(document: object, name: str) -> int:
    """A number of tokens (or a moment in Unix seconds); 0 for whatever is not one."""
    value = document.get(name) if isinstance(document, dict) else None
    if isinstance(value, float) and 0 <= value <= _MOST:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST else 0


def word(document: object, name: str) -> str:
    """A string; empty for whatever is not one."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""

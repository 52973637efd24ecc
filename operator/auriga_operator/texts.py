"""Pieces of text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 600
"""Characters of somebody else's text in a message of ours."""


def size(count: float) -> str:
    """Bytes for people: ``3.1 GiB``."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def listing(parts: Sequence[str], most: int = 8) -> str:
    """``a, b and 3 more``."""
    shown, rest = ", ".join(parts[:most]), len(parts) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def tail(text: str, lines: int = 4) -> str:
    """The last lines of a text in one line, shortened from the front."""
    line = " | ".join(part.strip() for part in text.strip().splitlines()[-lines:] if part.strip())
    return line if len(line) <= _MOST else f"...{line[-_MOST:]}"


def duration(seconds: float) -> str:
    """Time left, for people: ``3m20s``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{whole % 60}s" if minutes else f"{whole}s"

"""Pieces of text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 600
"""Characters of somebody else's text in a message of ours."""


def size(count: float) -> str:
    """Bytes for people: ``512 B``, ``3.1 MiB``, ``42 MiB``, ``42.0 GiB``."""
    unit = max((power for power in range(4) if count >= 1024**power), default=0)
    amount = count / 1024**unit
    decimals = 1 if unit > 1 and (amount < 10 or unit == 3) else 0
    return f"{amount:.{decimals}f} {('B', 'KiB', 'MiB', 'GiB')[unit]}"


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

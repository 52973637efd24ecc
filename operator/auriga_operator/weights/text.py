"""Sizes and lists of files as messages show them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

SHOWN = 20


def size(count: int) -> str:
    """Bytes for people, in powers of 1000 as the hub's pages write them: ``4.9 GB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def listing(files: Iterable[tuple[str, int]]) -> str:
    """``a.gguf (4.9 GB), b.gguf (8.1 GB) and 3 more``, by name; at most 20 are named."""
    entries = [f"{name} ({size(count)})" for name, count in sorted(files)]
    rest = len(entries) - SHOWN
    return ", ".join(entries[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def public_url(url: str) -> str:
    """The address without what may be secret in it: user, password, query (signed addresses carry keys there)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?..." if parts.query else "")

"""Server-sent events out of a stream of bytes. Pure.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """One event: its ``event:`` line, or "", and its ``data:`` lines."""

    name: str
    data: str


def events(parts: Iterable[bytes]) -> Iterator[Event]:
    """Every whole event, as soon as its empty line is there. An unfinished one at the end is dropped."""
    name, data = "", list[str]()
    for line in _lines(parts):
        field, _, value = line.partition(":")
        if not line:
            if data:
                yield Event(name, "\n".join(data))
            name, data = "", []
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")


def _lines(parts: Iterable[bytes]) -> Iterator[str]:
    # Not str.splitlines (nor httpx' iter_lines): those also break at U+2028, U+0085 and others, which are plain
    # characters inside JSON. A part may end anywhere, in the middle of a character too, so bytes are split first.
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")

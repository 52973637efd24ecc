"""What workers tell each other: lines of JSON, each a few rows of something by its name. Pure.

A few at a time, because requests wait while a line is made or read. A dot ends it: without one it is not whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

import orjson

END: Final = b"."
_ROWS: Final = 16
_T = TypeVar("_T")


class Line(NamedTuple):
    """Some rows of what is called so."""

    name: str
    rows: list[Any]


def write(name: str, rows: list[Any]) -> bytes:
    """One line; none of nothing, which is a moment to do something else."""
    return orjson.dumps((name, rows), option=orjson.OPT_APPEND_NEWLINE) if rows else b""


def several(name: str, rows: Iterable[_T | None]) -> Iterator[bytes]:
    """All of these in lines. None is a pause."""
    rest = iter(rows)
    while few := list(islice(rest, _ROWS)):
        yield write(name, [row for row in few if row is not None])


def read(pieces: Iterable[bytes]) -> Iterator[Line]:
    """What was told, wherever it was cut on its way."""
    begun = b""
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        for line in whole:
            yield Line(*orjson.loads(line))


def is_whole(pieces: list[bytes]) -> bool:
    """Has it come to its end?"""
    return bool(pieces) and pieces[-1].endswith(END)

"""Long lists in steps, between which something else can be done: put in order, written as JSON, freed. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

_SORTED: Final = 256
_WRITTEN: Final = 32
_FREED: Final = 256
"""Things at a time."""
_T = TypeVar("_T")


def ordered(
    things: Iterable[_T], key: Callable[[_T], Any], wanted: Callable[[_T], bool] = lambda thing: True
) -> Iterator[_T | None]:
    """Those that are wanted, by their key; None for a pause. Only parts are sorted at once, and merged one by one."""
    rest, parts = iter(things), []
    while part := list(islice(rest, _SORTED)):
        parts.append(sorted(filter(wanted, part), key=key))
        yield None
    yield from heapq.merge(*parts, key=key)


def joined(written: Iterable[bytes | None]) -> Iterator[bytes]:
    """With commas between them, a few at a time; None is a pause."""
    few: list[bytes] = []
    before = b""
    for each in written:
        if each is not None:
            few.append(each)
        if each is None or len(few) == _WRITTEN:
            yield before + b",".join(few) if few else b""
            before = b"," if few else before
            few.clear()
    if few:
        yield before + b",".join(few)


def freed(things: dict[Any, Any]) -> Iterator[None]:
    """Empty it."""
    while things:
        for _ in range(min(_FREED, len(things))):
            things.popitem()
        yield

"""Consistent hashing: which endpoint a conversation belongs to, so that it finds its prompt in the cache there. Pure.

When an endpoint comes or goes, only the conversations that move to it or away from it move.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import shake_128
from itertools import accumulate
from typing import Final

_POINTS: Final = 40
"""Places of each endpoint on the ring: the shares of two endpoints then differ by about a sixth."""
_UNPACK = struct.Struct(f">{_POINTS}I").unpack
_KEY_BITS: Final = 32
_INDEX_BITS: Final = 16
_INDEX: Final = 0xFFFF
_BEYOND: Final = 1 << (_KEY_BITS + _INDEX_BITS)
"""Behind every key: what lies behind the last point is the first one's."""


class Ring:
    """The places of some endpoints. Made at the first use: of 10,000 Models few are asked right after a change."""

    __slots__ = ("_count", "_first", "_names", "_points", "_shift")

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._count = len(names)
        self._points: array[int] | None = None
        self._first: array[int]
        """For each stretch of the ring, about as many as there are points: where its points begin."""
        self._shift = 0

    def home(self, key: int) -> int:
        """Position of the endpoint that the key (32 bits) belongs to."""
        points = self._points if self._points is not None else self._place()
        # The first point that is not before the key is looked for in one stretch: many endpoints cost no more.
        place, at = key << _INDEX_BITS, self._first[key >> self._shift]
        point = points[at]
        while point < place:
            at += 1
            point = points[at]
        return point & _INDEX

    def walk(self, key: int) -> Iterator[int]:
        """Positions of the endpoints, from that one on, each once."""
        points = self._points if self._points is not None else self._place()
        start, count = bisect_left(points, key << _INDEX_BITS), len(points) - 1
        seen = set()
        for place in range(start, start + count):
            index = points[place % count] & _INDEX
            if index not in seen:
                seen.add(index)
                yield index
                if len(seen) == self._count:
                    return

    def _place(self) -> array[int]:
        # One hash for all places of an endpoint: a ring of 200 is made in about 2 ms.
        points = sorted(
            point << _INDEX_BITS | index
            for index, name in enumerate(self._names)
            for point in _UNPACK(shake_128(name.encode()).digest(_POINTS * 4))
        )
        bits = len(points).bit_length()
        self._shift = _KEY_BITS - bits
        stretches = Counter(point >> (_INDEX_BITS + self._shift) for point in points)
        self._first = array("I", accumulate((stretches[number] for number in range(1 << bits)), initial=0))
        self._points = array("Q", points)
        self._points.append(_BEYOND | points[0] & _INDEX)
        return self._points

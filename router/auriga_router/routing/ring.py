"""Consistent hashing: which endpoint a conversation belongs to, so that it finds its prompt in the cache there. Pure.

When an endpoint comes or goes, only the conversations that move to it or away from it move.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import shake_128

_POINTS = 40
"""Places of each endpoint on the ring: the shares of two endpoints then differ by about a sixth."""
_UNPACK = struct.Struct(f">{_POINTS}I").unpack
_INDEX_BITS = 16
_INDEX = (1 << _INDEX_BITS) - 1


class Ring:
    """The places of some endpoints. Made at the first use: of 10,000 Models few are asked right after a change."""

    __slots__ = ("_count", "_names", "_points")

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._count = len(names)
        self._points: array[int] | None = None

    def home(self, key: int) -> int:
        """Position of the endpoint that the key (32 bits) belongs to."""
        points = self._points if self._points is not None else self._place()
        return points[bisect_left(points, key << _INDEX_BITS) % len(points)] & _INDEX

    def walk(self, key: int) -> Iterator[int]:
        """Positions of the endpoints, from that one on, each once."""
        points = self._points if self._points is not None else self._place()
        start = bisect_left(points, key << _INDEX_BITS)
        seen = set()
        for place in range(start, start + len(points)):
            index = points[place % len(points)] & _INDEX
            if index not in seen:
                seen.add(index)
                yield index
                if len(seen) == self._count:
                    return

    def _place(self) -> array[int]:
        # One hash for all places of an endpoint: a ring of 200 is made in about 2 ms.
        self._points = array(
            "Q",
            sorted(
                point << _INDEX_BITS | index
                for index, name in enumerate(self._names)
                for point in _UNPACK(shake_128(name.encode()).digest(_POINTS * 4))
            ),
        )
        return self._points

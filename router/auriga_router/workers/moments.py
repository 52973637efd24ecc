"""A few numbers by name, in memory that several processes see. For limits that hold for all of them together.

Who changes a number reads it first, without a lock: of two that do so within the same microsecond one is lost.
"""

from __future__ import annotations

import fcntl
import mmap
from collections.abc import Iterator, MutableSequence
from hashlib import blake2b
from typing import IO

_MOST = 65536
"""Names. Their memory is taken only as they come."""


class Moments:
    """Made before the processes fork."""

    def __init__(self, lock: IO[bytes], most: int = _MOST, width: int = 2) -> None:
        """``lock``: a file of their own. ``width``: numbers for each name."""
        self._lock = lock
        self._most = most
        self._width = width
        memory = memoryview(mmap.mmap(-1, 8 * (1 + width) * most))
        self._names = memory[: 8 * most].cast("Q")
        self._numbers = memory[8 * most :].cast("d")

    def of(self, name: str) -> MutableSequence[float]:
        """Those of this name, zero at first; of this process alone when there are too many names."""
        wanted = int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) or 1
        fcntl.lockf(self._lock, fcntl.LOCK_EX)  # of the process, unlike flock, which forked ones would share
        try:
            row = self._row(wanted)
            if row is None:
                return [0.0] * self._width
            self._names[row] = wanted
            return self._at(row)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def all(self) -> Iterator[MutableSequence[float]]:
        """Those of all names."""
        return (self._at(row) for row, name in enumerate(self._names) if name)

    def _at(self, row: int) -> MutableSequence[float]:
        start = self._width * row
        return self._numbers[start : start + self._width]  # type: ignore[return-value]  # typeshed: fixed in newer ones

    def _row(self, wanted: int) -> int | None:
        for step in range(self._most):
            row = (wanted + step) % self._most
            if self._names[row] in (0, wanted):
                return row
        return None

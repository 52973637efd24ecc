"""What a client has been sent of a stream, kept small until a break makes somebody read it. Pure.

Nothing is parsed while the stream flows: what has left is compressed, many events at a time. Events of one stream are
so much alike that a hundred thousand tokens take well under a megabyte. Each time anew: a compressor that is kept
for the next ones holds 190 KB, more than all else of an open stream.
"""

from __future__ import annotations

import zlib

LONGEST = 4 * 1024 * 1024
"""Bytes, compressed."""


class Journal:
    """One stream. Past the limit it forgets everything: then the stream cannot be continued."""

    __slots__ = ("_left", "_packed")

    def __init__(self, limit: int = LONGEST) -> None:
        self._packed: list[bytes] = []
        self._left = limit
        """Compressed bytes that may still come."""

    def append(self, data: bytes) -> None:
        """These were sent."""
        if self._left < 0:
            return
        packed = zlib.compress(data, 1)
        self._packed.append(packed)
        self._left -= len(packed)
        if self._left < 0:
            self._packed.clear()

    def read(self) -> bytes | None:
        """All of them; None if they were too many."""
        if self._left < 0:
            return None
        return b"".join([zlib.decompress(packed) for packed in self._packed])

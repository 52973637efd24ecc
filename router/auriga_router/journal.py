"""What a client has been sent of a stream, kept small until a break makes somebody read it. Pure.

Nothing is parsed while the stream flows: what has left is compressed, many events at a time. Events of one stream are
so much alike that a hundred thousand tokens take well under a megabyte.
"""

from __future__ import annotations

import zlib
from typing import Any

LONGEST = 4 * 1024 * 1024
"""Bytes, compressed."""


class Journal:
    """One stream. Past the limit it forgets everything: then the stream cannot be continued."""

    __slots__ = ("_compressor", "_left", "_packed")

    def __init__(self, limit: int = LONGEST) -> None:
        self._packed: list[bytes] = []
        self._compressor: Any = None
        self._left = limit
        """Compressed bytes that may still come."""

    def append(self, data: bytes) -> None:
        """These were sent."""
        if self._left < 0:
            return
        if self._compressor is None:
            self._compressor = zlib.compressobj(1)
        packed = self._compressor.compress(data)
        self._packed.append(packed)
        self._left -= len(packed)
        if self._left < 0:
            self._packed.clear()

    def read(self) -> bytes | None:
        """All of them; None if they were too many. Nothing may be appended after that."""
        if self._left < 0:
            return None
        if self._compressor is None:
            return b""
        return zlib.decompress(b"".join((*self._packed, self._compressor.flush())))

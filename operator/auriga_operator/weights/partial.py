"""A file on its way: appended to, hashed as it comes, left on disk when the process ends, taken up by the next one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from auriga_operator.weights import digest, disk
from auriga_operator.weights.digest import Digest


class Partial:
    """The file under ``path`` with its first ``offset`` bytes here.

    Writes go to the system at once (no buffer of our own), so that a killed process loses nothing. They go to
    positions, never truncating: should a file system not honour locks (some network ones), two writers of the same
    content write the same bytes to the same places.
    """

    def __init__(
        self, path: Path, size: int | None, algorithm: Literal["sha256", "git-sha1"], on_bytes: Callable[[int], None]
    ) -> None:
        """``size``: of the whole file, None while unknown. ``on_bytes`` is told the offset whenever it moves."""
        self.path = path
        self.size = size
        self.offset = 0
        self._algorithm = algorithm
        self._on_bytes = on_bytes
        self._hash = digest.hasher(algorithm, size or 0)
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o664)
        except OSError as error:
            raise self._refused(error) from error
        self._take_up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        os.close(self._fd)

    def append(self, chunk: bytes) -> None:
        """Write ``chunk`` at the offset. Raises WeightsError (DiskFull)."""
        view = memoryview(chunk)
        try:
            while view:
                written = os.pwrite(self._fd, view, self.offset)
                self._hash.update(view[:written])
                self.offset += written
                view = view[written:]
        except OSError as error:
            raise self._refused(error) from error
        self._on_bytes(self.offset)

    def restart(self) -> None:
        """Begin again at the first byte."""
        self.offset = 0
        self._hash = digest.hasher(self._algorithm, self.size or 0)
        self._on_bytes(0)

    def finish(self) -> Digest:
        """The hash of what was written, once all of it is on the disk."""
        try:
            os.ftruncate(self._fd, self.offset)
            os.fsync(self._fd)
        except OSError as error:
            raise self._refused(error) from error
        return Digest(self._algorithm, self._hash.hexdigest())

    def _take_up(self) -> None:
        have = os.fstat(self._fd).st_size
        if self.size is not None and have > self.size:
            return  # longer than the whole: of no use; finish() cuts it
        while chunk := os.pread(self._fd, digest.CHUNK, self.offset):
            self._hash.update(chunk)
            self.offset += len(chunk)

    def _refused(self, error: OSError) -> Exception:
        return disk.refused(self.path.parent, error, self.size - self.offset if self.size else 0)

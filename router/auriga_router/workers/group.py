"""What the workers of one router have in common: made by their parent before it forks, so that each of them has it.

A folder for the sockets by which they ask each other, memory that outlives a worker, and a board of small numbers.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from auriga_router.workers.moments import Moments
from auriga_router.workers.place import WIDTH, clear

_MEMORY = "/dev/shm"  # noqa: S108 - the folder made there is the user's alone
"""Written to also where nothing else is: in a pod with a read-only file system."""
_PIECE = 64 * 1024


def scratch() -> IO[bytes]:
    """A file without a name, in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("auriga"), "w+b")
    return tempfile.TemporaryFile()


def bell() -> tuple[int, int]:
    """A pipe that makes nobody wait."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


class Seat(NamedTuple):
    """One worker's place."""

    group: Group
    worker: int


class Group:
    """``count`` workers, numbered from 1."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.alive, self.held = os.pipe()
        """The end that is read by workers, and the one that closes with the parent."""
        self._folder = Path(tempfile.mkdtemp(prefix="auriga-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
        # Two for each: one is read while the other is written.
        self._told = [(scratch(), scratch()) for _ in range(count)]
        self.moments = Moments(scratch())
        """Of limits per minute that hold for all workers together."""
        self.places = Moments(scratch(), width=WIDTH * count)
        """Of limits of what is in flight and waits."""
        self._bells = [bell() for _ in range(count)]
        self._board = memoryview(mmap.mmap(-1, 3 * 8 * count)).cast("q")

    @property
    def numbers(self) -> range:
        """Of all workers."""
        return range(1, self.count + 1)

    def path(self, worker: int) -> Path:
        """Of the socket where this worker answers the others. The folder is the user's alone."""
        return self._folder / f"{worker}.sock"

    def keep(self, worker: int, told: Iterable[bytes]) -> Iterator[None]:
        """What this worker has told, for when it cannot be asked any more. For the worker itself, once at a time.

        In steps; in the end it takes the place of what was kept before.
        """
        turn = self._board[worker - 1] + 1
        file = self._told[worker - 1][turn % 2].fileno()
        os.ftruncate(file, 0)
        place = 0
        for piece in told:
            done = 0
            while done < len(piece):
                done += os.pwrite(file, piece[done:], place + done)
            place += done
            yield
        self._board[worker - 1] = turn

    def kept(self, worker: int) -> Iterator[bytes]:
        """What it has told last, or its predecessor, in pieces; nothing if nothing."""
        file = self._told[worker - 1][self._board[worker - 1] % 2].fileno()
        # At once: while this pauses, the worker might come to write to it again.
        whole = os.pread(file, os.fstat(file).st_size, 0)
        return (whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE))

    def restarted(self, worker: int) -> None:
        """For the parent. Nothing is in flight in that one any more, and nobody waits."""
        self._board[self.count + worker - 1] += 1
        for numbers in self.places.all():
            clear(numbers, worker)

    def ring(self, worker: int) -> None:
        """Whoever waits there for a place is to look again."""
        with contextlib.suppress(BlockingIOError):  # it has been told often enough
            os.write(self._bells[worker - 1][1], b"!")

    def heard(self, worker: int) -> int:
        """For the worker: what can be read when it is to look."""
        return self._bells[worker - 1][0]

    def restarts(self, worker: int) -> int:
        """How often it was started again."""
        return self._board[self.count + worker - 1]

    def beat(self, worker: int) -> None:
        """For the worker: it is alive."""
        self._board[2 * self.count + worker - 1] += 1

    def beats(self, worker: int) -> int:
        """How often it, and its predecessors, have said so."""
        return self._board[2 * self.count + worker - 1]

    def leave(self, worker: int) -> None:
        """For a worker that ends. The last one whose parent was killed takes the folder with it."""
        self.path(worker).unlink(missing_ok=True)
        if select.select([self.alive], [], [], 0)[0]:
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    def close(self) -> None:
        """For the parent, when all workers have ended. Those that were killed have left their sockets."""
        for worker in self.numbers:
            self.path(worker).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

"""One writer for each file, over all processes that share a cache."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from auriga_operator.weights import disk

logger = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two looks at how far the other writer is."""

# Network file systems without a lock service.
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})


@contextlib.contextmanager
def held(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path``; ``waiting`` is called from time to time while another process has it.

    The kernel frees the lock of a process that dies, so waiting ends when the other finishes or dies. Where there are
    no locks we go on without: two writers then download the same bytes to the same places (see ``partial``), which
    costs bandwidth. A lock file that merely exists would outlive a killed process, and stop all later ones.
    """
    # The mode lets users of one group share a cache; huggingface-hub's own locks have it too.
    lock = FileLock(path, mode=0o664, fallback_to_soft=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, waiting)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise disk.refused(path.parent, error) from error
        logger.warning("%s cannot be locked; going on without", path.parent)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, waiting: Callable[[], None]) -> None:
    while True:
        try:
            lock.acquire(timeout=TICK)
        except Timeout:
            waiting()
        else:
            return

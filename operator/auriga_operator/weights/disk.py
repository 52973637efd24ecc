"""Is there room? Asked before a download starts, and again when the disk says no in the middle."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from auriga_operator.weights import text
from auriga_operator.weights.errors import Reason, WeightsError

# EFBIG: the file is larger than its file system, or a limit of the process, allows.
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def free_bytes(folder: Path) -> int:
    """What an unprivileged process may still write into the file system of ``folder``."""
    stats = os.statvfs(folder)
    return stats.f_bavail * stats.f_frsize


def make_folder(folder: Path) -> None:
    """Raise WeightsError where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(folder, error) from error


def require(needed: int, folder: Path) -> None:
    """Raise WeightsError (DiskFull) unless ``needed`` bytes are free in ``folder``, which exists."""
    free = free_bytes(folder)
    if needed > free:
        raise full(folder, needed, free)


def nearest(folder: Path) -> Path:
    """``folder``, or what of its path exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def full(folder: Path, needed: int, free: int) -> WeightsError:
    """``needed``: bytes still to write; 0 when that is not known."""
    amount = f"{text.size(needed)} more are needed and " if needed else ""
    return WeightsError(
        Reason.DISK_FULL,
        f"no space for the weights in {folder}: {amount}{text.size(free)} are free; free some, or use a larger cache",
    )


def refused(folder: Path, error: OSError, needed: int = 0) -> WeightsError:
    """What an error of writing into ``folder`` means: full, or read-only, not permitted, an I/O error."""
    if error.errno in NO_SPACE:
        return full(folder, needed, free_bytes(nearest(folder)))
    return WeightsError(
        Reason.FAILED, f"cannot write into the weights' cache {folder}: {error.strerror}; check its permissions"
    )

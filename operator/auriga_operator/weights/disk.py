"""Is there room? Asked before a download starts, and again when the disk says no in the middle."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

from auriga_operator.weights import text
from auriga_operator.weights.errors import Reason, WeightsError

DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
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
    what = error.filename if isinstance(error.filename, str) else str(folder)
    if error.errno in DENIED:
        return WeightsError(
            Reason.PERMISSION_DENIED,
            f"{what}, in the weights' cache {folder}, may not be written by {_user()}: {error.strerror}; make that its "
            "owner, or use another cache",
        )
    return WeightsError(Reason.FAILED, f"{what}, in the weights' cache {folder}, cannot be used: {error.strerror}")


def unreadable(path: Path, error: OSError) -> WeightsError:
    """What an error of reading a file of the user's own means."""
    reason = Reason.PERMISSION_DENIED if error.errno in DENIED else Reason.FAILED
    what = error.filename if isinstance(error.filename, str) else str(path)
    may = f"; let {_user()} read it, and enter the folders above it" if reason is Reason.PERMISSION_DENIED else ""
    return WeightsError(reason, f"source.file.path: {what} cannot be read: {error.strerror}{may}")


def _user() -> str:
    """Who this process is, as permissions know it."""
    try:
        return f"the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"the user {os.geteuid()}"  # a container's, which has no name

"""The program's life: it stops at once when told to, and never outlives the process that started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

PR_SET_PDEATHSIG: Final = 1
WATCH: Final = 1.0
"""Seconds between two looks at the parent, where the kernel cannot tell."""


def stop_on_signals() -> None:
    """SIGTERM and SIGINT end the process at once, without a traceback, with status 128 + signal.

    An explicit handler, because in a container this is process 1, for which the kernel ignores signals without one.
    Nothing needs tidying: what was received is in the file, and the kernel frees locks.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: os._exit(128 + received))


def die_with_parent(parent: int) -> None:
    """Make sure that this process ends soon after its parent ``parent`` (a process id).

    On Linux the kernel sends SIGTERM, when the *thread* that started us ends. Elsewhere a thread of ours looks.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(128 + signal.SIGTERM)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(128 + signal.SIGTERM)

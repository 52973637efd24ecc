"""Waits for a quiet moment on a machine that others use too."""

from __future__ import annotations

import time
from collections.abc import Sequence

from routerbench import procfs

LOOK = 0.3
"""Seconds for which the cores must be quiet."""
IDLE = 0.07
"""The share of a core that may be in use then: routers do a little also when nobody asks them."""


def wait(cores: Sequence[int], until: float) -> None:
    """Returns after `LOOK` quiet seconds, and at the latest at `until` (monotonic)."""
    busy = 1.0
    while busy > IDLE and time.monotonic() < until:
        began = time.monotonic()
        before = [procfs.idle_seconds(core) for core in cores]
        time.sleep(LOOK)
        after = [procfs.idle_seconds(core) for core in cores]
        idle = min(late - early for late, early in zip(after, before, strict=True))
        busy = 1 - idle / (time.monotonic() - began)

"""Models whose start is held up by what may pass by itself: for how long that is worth waiting for. Pure."""

from __future__ import annotations

from typing import Final

from auriga_api.model_status import STARTED_AGAIN
from auriga_router.table import Backend

PATIENCE: Final = 300.0
"""Seconds in which what keeps a Model from starting may pass: a node with a GPU that is still to come takes minutes."""
_LASTING: Final = frozenset({"Unschedulable", "VolumeNotBound", "VolumeInUse", "VolumeNotMounted", "PodNotStarted"})
"""Reasons that may pass by themselves. With any other the Model's phase is Failed, and nobody waits for it."""
_HOLDS_UP: Final = _LASTING | STARTED_AGAIN
_TRIED_AGAIN: Final = STARTED_AGAIN | {
    "Unreachable", "NeverHealthy", "NotEnoughMemory", "ImagePullBackOff", "QuotaExceeded",
}  # fmt: skip
"""With these the phase is Failed, and the next try may well succeed. With any other somebody has to mend something."""


def is_held_up(backend: Backend) -> bool:
    """Does its status say that something is in the way of its start?"""
    return backend.not_ready is not None and backend.not_ready.reason in _HOLDS_UP


def may_pass(backend: Backend) -> bool:
    """May it get an endpoint without anybody changing anything? Not where its arguments are wrong, or its Secret."""
    if not backend.asleep or backend.not_ready is None or backend.progress is None:
        return False
    return backend.progress.phase != "Failed" or backend.not_ready.reason in _TRIED_AGAIN


def is_stuck(backend: Backend, now: float) -> bool:
    """Has that been so for too long?"""
    return now - backend.slots.held_up_since >= PATIENCE

"""What all exchanges of a router share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auriga_router.call import Call
from auriga_router.ports import Clock, CoarseClock, Connector, OnAttempt, OnReply, Timed
from auriga_router.table import Backend


def _as_it_was(call: Call) -> bool:
    """For a world that does not change."""
    return True


def _nobody(key: str) -> Backend | None:
    """For a world whose Models nobody waits for."""
    return None


def _unheard(what: str) -> None:
    """For a world without a log."""


@dataclass(slots=True)
class World:
    """Everything outside of an exchange but its client."""

    connector: Connector
    now: Clock
    coarse: CoarseClock
    wall_now: Clock
    timed: set[Timed]
    """Whatever the sweep looks after."""
    on_attempt: OnAttempt | None
    on_reply: OnReply | None
    hold_limit: int
    """Bytes of a stream that are held before its first content."""
    answer_limit: int
    """Bytes of an answer that is not streamed."""
    keep_alive: float = 10.0
    """Seconds for which a stream's caller hears nothing while it waits for a Model to start."""
    backend: Callable[[str], Backend | None] = _nobody
    """The Model (its key) as it is now."""
    renew: Callable[[Call], bool] = _as_it_was
    """Puts the chain of a call that has waited to what it is now. Gives whether there still is such a one."""
    on_bug: Callable[[str], None] = _unheard
    """Says what a bug of ours has led to; called while its exception is handled."""

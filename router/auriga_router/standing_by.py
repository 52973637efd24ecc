"""One exchange while there is nobody to ask: in a Model's queue, or for an endpoint that seems to have died.

    -> QUEUED | AWAY -> the next look at who is there -> an attempt, or the end of the chain

What it asks, and whom, is the exchange's to say.
"""

from __future__ import annotations

import math
from typing import Final

from auriga_router.attempting import Attempting, State
from auriga_router.candidates import Candidate
from auriga_router.ports import Client
from auriga_router.routing.choose import Wait
from auriga_router.slots import Slots
from auriga_router.table import Backend
from auriga_router.waking import Waiting

_LOOK: Final = 0.2
"""Seconds between two looks at what became of an endpoint that seems to have died."""


class StandingBy(Attempting):
    """An exchange that may have to wait. ``Exchange`` sets the attributes: a call less for every request."""

    __slots__ = ("_client", "_gone", "_queue", "_waiting")

    _client: Client
    _queue: Slots
    _waiting: Waiting | None
    """It waits, or has waited, for a Model to start, or to come back."""
    _gone: bool
    """Its chain was deleted while it waited: who could be asked then still can be."""

    # --- for the exchange to say

    def _next(self, now: float, *, renewed: bool = False) -> None:
        """``renewed``: the chain is as it is now, not as it was when the request came."""
        raise NotImplementedError

    def _fail(self, now: float) -> None:
        """The chain has failed."""
        raise NotImplementedError

    # --- waiting

    def _hold_on(self, wait: Wait | None, now: float, *, renewed: bool) -> None:
        """There is nobody to ask now."""
        if self._failed and not renewed:  # the world may be another one than when the request came
            self._look_again(now)
        elif self._gone:  # nobody calls those who wait in what was deleted
            self._fail(now)
        elif wait is not None:
            self._wait(wait.member.backend, now)
        elif self._candidates.may_return(now, None if self._flow is None else self._flow.rest):
            self._state = State.AWAY
            self._begin_waiting(now)
            self.expires = min(self._deadline, now + _LOOK)
        else:
            self._fail(now)

    def _begin_waiting(self, now: float) -> None:
        if self._waiting is None:
            hears = self._call.stream and not self._call.folded
            self._waiting = Waiting(now, self._world.keep_alive if hears else math.inf)

    def _wait(self, backend: Backend, now: float) -> None:
        """For a slot, or for an endpoint, in the Model's queue; who has been asked for before waits at its head."""
        self._state = State.QUEUED
        self._queue = backend.slots
        if backend.asleep:
            self._begin_waiting(now)
        self._queue.wait(self, now, ahead=bool(self._failed))
        self.expires = self._deadline if self._waiting is None else min(self._deadline, self._waiting.expires)

    def _wait_on(self, now: float) -> None:
        """A while has passed."""
        waiting, backend = self._waiting, self._world.backend(self._queue.model)
        if (
            waiting is None
            or now >= self._deadline
            or waiting.is_in_vain(self._queue, backend, now)
            or self._another_can(backend, now)
        ):
            self._queue.leave(self)
            self._look_again(now)
            return
        self._tell(waiting, backend, now)
        self.expires = min(self._deadline, waiting.expires)

    def _another_can(self, backend: Backend | None, now: float) -> bool:
        """Is there another Model to ask? One whose 429 or breaker has run out calls nobody."""
        if backend is not None and backend.cold and self._call.chain.waits_for_cold:
            return False
        self._world.renew(self._call)
        choice = self._candidates.next(now, None if self._flow is None else self._flow.rest)
        return isinstance(choice, Candidate) and choice.member.backend.slots is not self._queue

    def _tell(self, waiting: Waiting, backend: Backend | None, now: float) -> None:
        if waiting.is_silent_since_long(now):
            begun = self._flow is not None
            self._client = waiting.tell(self._client, self._call, self._failed, backend, begun=begun)

    def on_turn(self) -> None:
        """Look again: perhaps at other endpoints than there were when the request came."""
        try:
            self._look_again(self._world.now())
        except Exception:
            self.on_bug()

    def _look_again(self, now: float) -> None:
        """It is in no queue any more."""
        self._gone = not self._world.renew(self._call)
        self._next(now, renewed=True)

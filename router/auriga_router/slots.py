"""The load of one Model over all of its endpoints, and the queue of requests that wait for a slot. Knows no sockets.

Outlives routing tables. First come, first served: whoever comes while others wait waits behind them.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from auriga_router.routing.pace import Pace
from auriga_router.tally import Histogram


class Changes(Protocol):
    """Who is told when a load is not as it was."""

    def note(self, slots: Slots) -> None:
        """It has changed since it was last looked at. Called once until ``Slots.changed`` is taken back."""


class Waiter(Protocol):
    """A request in the queue."""

    def on_turn(self) -> None:
        """There is room, or what there is has changed: look again. It is not in the queue any more."""


class Common(Protocol):
    """The limits of a Model that hold for several processes together."""

    def resize(self, capacity: int, longest: int) -> None:
        """So many may be under way in all of them, and so many wait."""

    def has_room(self) -> bool:
        """Are fewer requests under way in all of them than may be?"""

    def may_wait(self) -> bool:
        """Is there a place in their queues?"""

    def others_first(self, since: float) -> bool:
        """Does somebody elsewhere wait for longer than since then? Whoever does is told to look."""

    def tell(self, in_flight: int, waiting: int, since: float) -> None:
        """What there is of this process, and since when the first one waits."""


@dataclass(slots=True, eq=False)
class Slots:
    """How many requests a Model works on, and who waits."""

    model: str = ""
    """Key of the Model."""
    in_flight: int = 0
    capacity: int = 0
    """Requests that it works on at the same time; 0: no limit, below: ``common`` says."""
    longest: int = 0
    """Requests that may wait. Below 0: ``common`` says."""
    common: Common | None = None
    """The limits, where several processes have them together."""
    pace: Pace | None = None
    """The limits per minute, if there are any."""
    waited: Histogram = field(default_factory=Histogram)
    """How long those waited whose turn came."""
    queue: OrderedDict[Waiter, float] | None = None
    """In order, with the time since when. None until somebody waits: of 10,000 Models most are never full."""
    requests: int = 0
    """Requests that wanted it: were sent to it, or found that it has no endpoint."""
    asked_at: float = 0.0
    """When the last one of them did; 0: none ever did."""
    most_in_flight: int = 0
    most_waiting: int = 0
    """What there was when both together were most, since that was last looked at: one that waited is at work later."""
    held_up_since: float = math.inf
    """When something began to be in the way of the Model's start, as far as is known here; infinity: nothing is."""
    changed: bool = False
    """Something of it is not as it was when it was last looked at."""
    changes: Changes | None = None
    _calling: bool = False

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self.queue) if self.queue is not None else 0

    def has_room(self) -> bool:
        """May the request that asks go ahead? Not past those that wait, unless it is its turn."""
        if not self.capacity:
            return True
        if not self._calling and self.queue:
            return False
        return self._is_free(math.inf if not self._calling else None)

    def _is_free(self, since: float | None) -> bool:
        """Does the limit let one more through, who waits since then? None: it is that one's turn."""
        if self.in_flight < self.capacity or not self.capacity:
            return True
        common = self.common
        if common is None or self.capacity > 0 or not common.has_room():
            return False
        return since is None or not common.others_first(since)

    def delay(self, now: float) -> float:
        """Seconds until the limit per minute lets a request through; 0 or less: it does."""
        return self.pace.wait(now) if self.pace is not None else 0.0

    def may_wait(self) -> bool:
        """Is there a place in the queue?"""
        return (
            self._calling
            or self.waiting < self.longest
            or (self.common is not None and self.longest < 0 and self.common.may_wait())
        )

    def begin(self, now: float) -> None:
        """A request goes ahead."""
        self.in_flight += 1
        if self.common is not None:
            self._tell()
        self.requests += 1
        self.asked_at = now
        waiting = len(self.queue) if self.queue else 0
        if self.in_flight + waiting > self.most_in_flight + self.most_waiting:
            self.most_in_flight = self.in_flight
            self.most_waiting = waiting
        if not self.changed:
            self.touch()
        if self.pace is not None:
            self.pace.take(now)

    def want(self, now: float) -> None:
        """A request would be sent to the Model if that had an endpoint."""
        self.requests += 1
        self.asked_at = now
        if not self.changed:
            self.touch()

    def touch(self) -> None:
        """Something has changed."""
        if not self.changed:
            self.changed = True
            if self.changes is not None:
                self.changes.note(self)

    def end(self, now: float) -> None:
        """A request is done: it is the next one's turn."""
        self.in_flight -= 1
        if not self.changed:
            self.touch()
        if self.common is not None:
            self._tell()
        if self.queue:
            self.call(now)

    def wait(self, waiter: Waiter, now: float, *, ahead: bool = False) -> None:
        """Take a place in the queue. ``ahead``: the first, because it has waited its turn before."""
        if self.queue is None:
            self.queue = OrderedDict()
        self.queue[waiter] = now
        if ahead and not self._calling:
            self.queue.move_to_end(waiter, last=False)
        if self.in_flight + len(self.queue) > self.most_in_flight + self.most_waiting:
            self.most_in_flight, self.most_waiting = self.in_flight, len(self.queue)
        self._tell()
        self.touch()

    def leave(self, waiter: Waiter) -> None:
        """Give the place up."""
        if self.queue is not None:
            self.queue.pop(waiter, None)
            self._tell()
            self.touch()

    def resize(self, capacity: int, longest: int, per_minute: int, tokens_per_minute: int = 0) -> None:
        """What there is has changed."""
        if self.requests and capacity != self.capacity:
            self.touch()
        self.capacity, self.longest = capacity, longest
        if (per_minute or tokens_per_minute) and self.pace is None:
            self.pace = Pace()
        if self.pace is not None:
            self.pace.limit(per_minute, tokens_per_minute)

    def share(self, common: Common | None) -> None:
        """The limits are those of several processes from now on, or not any more."""
        if common is None and self.common is not None:
            self.common.tell(0, 0, 0.0)
        self.common = common
        self._tell()

    def _tell(self) -> None:
        if self.common is not None:
            first = next(iter(self.queue.values())) if self.queue else 0.0
            self.common.tell(self.in_flight, self.waiting, first)
            if not self.queue and not self._calling:
                self.common.others_first(math.inf)  # there may be room, of which only this process was told

    def call(self, now: float, *, overdue: bool = False) -> None:
        """Those for whom there is room look again, in their order, each once: some may have to wait on.

        ``overdue``: also if somebody waits for longer in another process, who ought to have gone ahead.
        """
        if self._calling or self.queue is None:
            return  # a request that ends while others are called: they are called on
        self._calling = True
        self.touch()
        waiting_on: list[tuple[Waiter, float]] = []
        try:
            for _ in range(len(self.queue)):
                if not self.queue or not self._is_free(None if overdue else next(iter(self.queue.values()))):
                    return
                waiter, since = self.queue.popitem(last=False)
                waiter.on_turn()
                if waiter in self.queue:
                    waiting_on.append((waiter, since))
                else:
                    self.waited.add(now - since)
        finally:
            self._calling = False
            self._back(waiting_on)
            self._tell()

    def _back(self, waiting_on: list[tuple[Waiter, float]]) -> None:
        """They keep their places, before those who were not called, and wait since when they did."""
        for waiter, since in reversed(waiting_on):
            if self.queue and waiter in self.queue:
                self.queue[waiter] = since
                self.queue.move_to_end(waiter, last=False)

"""A Model's replicas as a load meets them: they take time to start, have slots, and finish what they began. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from loads import Arrival, Trace

TICK = 0.1
"""Seconds between two looks: how often a router tells its load at most."""


@dataclass(slots=True, eq=False)
class Replica:
    """An engine."""

    ready_at: float
    ends: list[float] = field(default_factory=list)
    """When each of its requests ends."""
    leaving: bool = False
    """It gets nothing new, and goes once it is idle."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scaler is told."""

    in_flight: int
    queued: int
    requests: int
    """Since the beginning."""
    ready: int
    """Replicas that answer."""


Scaler = Callable[[float, Seen, int], int]
"""(now, seen, replicas there) -> replicas wanted. Asked at each tick; keeps its own time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scaler made of a trace."""

    waited: tuple[float, ...]
    """Seconds that each request waited for a slot."""
    paid: float
    """Seconds of all replicas, from their creation to their end."""
    changes: int
    timeline: tuple[tuple[float, int, int, int], ...]
    """Each second: the time, in flight and queued, replicas wanted, replicas ready."""


@dataclass(slots=True)
class _Fleet:
    slots: int
    start_seconds: float
    replicas: list[Replica] = field(default_factory=list)
    waiting: deque[Arrival] = field(default_factory=deque)
    waited: list[float] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        return sum(len(each.ends) for each in self.replicas)

    @property
    def staying(self) -> list[Replica]:
        return [each for each in self.replicas if not each.leaving]

    def resize(self, wanted: int, now: float) -> None:
        """More come at once; those that start or have least to do leave first."""
        staying = self.staying
        for _ in range(wanted - len(staying)):
            self.replicas.append(Replica(now + self.start_seconds))
        staying.sort(key=lambda each: (each.ready_at <= now, len(each.ends)))
        for replica in staying[: max(len(staying) - wanted, 0)]:
            replica.leaving = True

    def work(self, now: float) -> None:
        """What has ended ends, and who waits gets a free slot of the least busy engine."""
        for replica in self.replicas:
            replica.ends = [end for end in replica.ends if end > now]
        self.replicas = [each for each in self.replicas if each.ends or not each.leaving]
        while self.waiting:
            ready = [each for each in self.staying if each.ready_at <= now and len(each.ends) < self.slots]
            if not ready:
                return
            request = self.waiting.popleft()
            min(ready, key=lambda each: len(each.ends)).ends.append(now + request.work)
            self.waited.append(now - request.at)


def replay(trace: Trace, scaler: Scaler, *, slots: int, start_seconds: float) -> Outcome:
    """Put the load on replicas that the scaler counts; nothing is there at first."""
    fleet = _Fleet(slots, start_seconds)
    coming = deque(trace.arrivals)
    paid, changes, requests = 0.0, 0, 0
    timeline: list[tuple[float, int, int, int]] = []
    for tick in range(round(trace.seconds / TICK)):
        now = tick * TICK
        while coming and coming[0].at <= now:
            fleet.waiting.append(coming.popleft())
            requests += 1
        fleet.work(now)
        there = len(fleet.staying)
        ready = sum(each.ready_at <= now for each in fleet.staying)
        wanted = scaler(now, Seen(fleet.in_flight, len(fleet.waiting), requests, ready), there)
        changes += wanted != there
        fleet.resize(wanted, now)
        paid += TICK * len(fleet.replicas)
        if tick % round(1 / TICK) == 0:
            timeline.append((now, fleet.in_flight + len(fleet.waiting), wanted, ready))
    return Outcome(tuple(fleet.waited), paid, changes, tuple(timeline))

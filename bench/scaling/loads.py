"""Loads to replay: when requests come, and how long each keeps a slot. Pure; the same seed, the same trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEAN_SECONDS = 8.0
"""That a request keeps a slot of an engine."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request: the second it comes, and the seconds of work it is."""

    at: float
    work: float


@dataclass(frozen=True, slots=True)
class Trace:
    """A load by name."""

    name: str
    title: str
    seconds: float
    arrivals: tuple[Arrival, ...]


def traces(seed: int) -> tuple[Trace, ...]:
    """The loads that are compared."""
    return (
        _trace("step", "nothing, then 4 requests a second for ten minutes, then nothing", 2700, seed, _step),
        _trace("bursts", "for an hour, each five minutes: one of 3 requests a second", 3600 + 900, seed, _bursts),
        _trace("rare", "a request every ten minutes, for four hours", 4 * 3600, seed, _rare),
        _trace("day", "a day in three hours: from nothing to 3 requests a second and back", 3 * 3600, seed, _day),
    )


def _trace(name: str, title: str, seconds: float, seed: int, rate: Callable[[float], float]) -> Trace:
    return Trace(name, title, seconds, tuple(_arrivals(random.Random(f"{seed} {name}"), seconds, rate)))


def _arrivals(chance: random.Random, seconds: float, rate: Callable[[float], float]) -> Iterator[Arrival]:
    """A Poisson process whose rate changes, by thinning one of the highest rate."""
    highest = max(rate(float(second)) for second in range(int(seconds)))
    at = 0.0
    while (at := at + chance.expovariate(highest)) < seconds:
        if chance.random() * highest < rate(at):
            yield Arrival(at, chance.expovariate(1 / MEAN_SECONDS))


def _step(at: float) -> float:
    return 4.0 if 600 <= at < 1200 else 0.0


def _bursts(at: float) -> float:
    return 3.0 if at < 3600 and at % 300 < 60 else 0.0


def _rare(at: float) -> float:
    return 1 / 10 if at % 600 < 10 else 0.0


def _day(at: float) -> float:
    return max(0.0, 3.0 * (1 - abs(at - 5400) / 4000))

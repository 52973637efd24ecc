"""One slice: a load on one program for a moment, while all other programs stand still."""

from __future__ import annotations

import time
from typing import NamedTuple

from routerbench import quiet
from routerbench.arena import Arena, Contestant
from routerbench.client import WrongAnswerError
from routerbench.clocks import Clocks
from routerbench.effort import Effort
from routerbench.samples import DIRECT, Sample
from routerbench.scenarios import CHAT, Scenario

QUIET = 0.03
"""A slice in which others used more than this share of a core is repeated, and the quietest one counts."""


class Place(NamedTuple):
    """Where in a run a slice stands."""

    round: int
    turn: int


class Slicer:
    """Measures slices of a run."""

    def __init__(self, arena: Arena, effort: Effort) -> None:
        self._arena = arena
        self._effort = effort

    def quietest(self, contestant: Contestant, scenario: Scenario, place: Place) -> Sample:
        """A slice, repeated while others disturb it and patience lasts."""
        until = time.monotonic() + self._effort.patience
        cores = self._arena.cores[1:] if contestant.name == DIRECT else self._arena.cores
        best = self._slice(contestant, scenario, place)
        while best.disturbance > QUIET and time.monotonic() < until:
            quiet.wait(cores, until)
            best = min(best, self._slice(contestant, scenario, place), key=lambda sample: sample.disturbance)
        return best

    def _slice(self, contestant: Contestant, scenario: Scenario, place: Place) -> Sample:
        try:
            with self._arena.awake(contestant):
                return self._sample(contestant, scenario, place)
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{contestant.name}: {scenario.name}: {error}") from None

    def _sample(self, contestant: Contestant, scenario: Scenario, place: Place) -> Sample:
        arena, handling = self._arena, contestant.handling
        times = scenario.length * handling.length
        seconds, warmup = self._effort.seconds * times, self._effort.warmup * handling.length
        expected = arena.expectation(scenario, rewrites=handling.rewrites or scenario.path != CHAT)
        before = Clocks.read(arena, contestant)
        answers = arena.load.run(contestant.port, scenario, expected, seconds, warmup)
        used = Clocks.read(arena, contestant).since(before)
        return Sample(
            program=contestant.name, scenario=scenario.name, round=place.round, turn=place.turn,
            rate=answers.completed / seconds,
            p50=answers.p50, p99=answers.p99, first_p50=answers.first_p50, first_p99=answers.first_p99,
            cpu=used.router / answers.total * 1e6, busy=used.router / used.wall,
            foreign=max(0.0, used.router_core - used.router) / used.wall,
            foreign_load=max(0.0, used.load_core - used.mock - answers.cpu_seconds) / used.wall,
            reconnects=answers.reconnects,
        )  # fmt: skip


def line(sample: Sample) -> str:
    """A slice as a line of progress."""
    return (
        f"{sample.round + 1}.{sample.turn + 1} {sample.program:12} {sample.scenario:10} {sample.rate:9.0f}/s"
        f"  p50 {sample.p50:.3f} p99 {sample.p99:.3f} ms"
        f"  CPU {sample.cpu:.1f} us  others {sample.foreign:.0%} {sample.foreign_load:.0%}"
    )

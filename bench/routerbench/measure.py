"""One run: rounds in which every program in turn is started, loaded by every scenario, and ended."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from routerbench import client, procfs, quiet, scenarios
from routerbench.arena import Arena, Contestant
from routerbench.client import WrongAnswerError
from routerbench.peers import Launch, Peer
from routerbench.samples import DIRECT, Memory, Results, Sample, WrkRate
from routerbench.scenarios import CHAT, SCENARIOS, Scenario

QUIET = 0.03
"""A measurement in which others used more than this share of a core is repeated, and the quietest one counts."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured, in seconds. `patience`: how long one measurement may wait for a quiet moment, and be
    repeated for a quieter one. `held_chunks`: half seconds that held streams stay open; 0 for none."""

    rounds: int = 3
    seconds: float = 2.0
    warmup: float = 0.3
    patience: float = 6.0
    held_chunks: int = 16
    loads: tuple[Scenario, ...] = SCENARIOS


QUICK = Effort(rounds=1, seconds=1.0, patience=0.0, held_chunks=20)


class Run:
    """Measures, and tells each finished step to `progress`."""

    def __init__(self, arena: Arena, effort: Effort, wrk: Path, progress: Callable[[str], None]) -> None:
        self._arena = arena
        self._effort = effort
        self._wrk = wrk
        self._progress = progress
        self._samples: list[Sample] = []
        self._memory: list[Memory] = []
        self._wrk_rates: list[WrkRate] = []
        self.launches: dict[str, Launch] = {}
        self.places: dict[str, str] = {str(arena.upstream.port): "$UPSTREAM"}
        """What stands in the report for this run's ports."""

    def results(self) -> Results:
        return Results(tuple(self._samples), tuple(self._memory), tuple(self._wrk_rates))

    def all_rounds(self, peers: Sequence[Peer]) -> None:
        for number in range(self._effort.rounds):
            self._loads(self._arena.upstream, number)
            turn = number % max(1, len(peers))
            for peer in (*peers[turn:], *peers[:turn]):  # another one first each time
                if number < peer.rounds:
                    self.one(peer, number)

    def one(self, peer: Peer, number: int) -> None:
        """All loads on a program that is started for them."""
        try:
            with self._arena.started(peer) as (contestant, launch):
                self.launches[peer.name] = launch
                self.places[str(contestant.port)] = "$PORT"
                idle = procfs.resident_mib(contestant.pid)
                held = self._held(contestant, peer.held)
                self._loads(contestant, number)
                after = procfs.resident_mib(contestant.pid)
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{peer.name}: {error}") from None
        memory = Memory(peer.name, number, idle, held, peer.held, after)
        self._memory.append(memory)
        self._progress(
            f"{number + 1} {peer.name:12} MiB: {idle:.0f}, with {peer.held} streams {held:.0f}, at last {after:.0f}"
        )

    def _loads(self, contestant: Contestant, number: int) -> None:
        for scenario in self._effort.loads:
            try:
                sample = self._quietest(contestant, scenario, number)
            except WrongAnswerError as error:
                raise WrongAnswerError(f"{scenario.name}: {error}") from None
            self._samples.append(sample)
            self._progress(_line(sample))
        if number or self._effort.loads != SCENARIOS:
            return  # once is enough to see whether the two generators agree
        rate = self._by_wrk(contestant)
        self._wrk_rates.append(WrkRate(contestant.name, number, rate))

    def _quietest(self, contestant: Contestant, scenario: Scenario, number: int) -> Sample:
        until = time.monotonic() + self._effort.patience
        cores = self._arena.cores[1:] if contestant.name == DIRECT else self._arena.cores
        quiet.wait(cores, until)
        best = self._sample(contestant, scenario, number)
        while best.disturbance > QUIET and time.monotonic() < until:
            quiet.wait(cores, until)
            best = min(best, self._sample(contestant, scenario, number), key=lambda sample: sample.disturbance)
        return best

    def _sample(self, contestant: Contestant, scenario: Scenario, number: int) -> Sample:
        arena, seconds = self._arena, self._effort.seconds * scenario.length
        expected = arena.expectation(scenario, rewrites=contestant.rewrites or scenario.path != CHAT)
        arena.load.run(contestant.port, scenario, expected, self._effort.warmup)
        before = _Clocks.read(arena, contestant)
        answers = arena.load.run(contestant.port, scenario, expected, seconds)
        used = _Clocks.read(arena, contestant).since(before)
        return Sample(
            program=contestant.name, scenario=scenario.name, round=number, rate=answers.completed / seconds,
            p50=answers.p50, p99=answers.p99, first_p50=answers.first_p50, first_p99=answers.first_p99,
            cpu=used.router / answers.total * 1e6, busy=used.router / used.wall,
            foreign=max(0.0, used.router_core - used.router) / used.wall,
            foreign_load=max(0.0, used.load_core - used.mock - answers.cpu_seconds) / used.wall,
            reconnects=answers.reconnects,
        )  # fmt: skip

    def _held(self, contestant: Contestant, streams: int) -> float:
        """Resident MiB while `streams` streams are open, each with at least its first chunk seen."""
        if not self._effort.held_chunks:
            return procfs.resident_mib(contestant.pid)
        scenario = scenarios.held(self._effort.held_chunks, 500, streams)
        expected = self._arena.expectation(scenario, rewrites=contestant.rewrites)
        with self._arena.load.held_open(contestant.port, scenario, expected):
            return procfs.resident_mib(contestant.pid)

    def _by_wrk(self, contestant: Contestant) -> float:
        script = self._arena.folder / "small.lua"
        script.write_text(client.wrk_script(scenarios.JSON.bodies))
        quiet.wait(self._arena.cores, time.monotonic() + self._effort.patience)
        return client.wrk(self._wrk, contestant.port, self._arena.cores.load, script, self._effort.seconds)

    def commands(self) -> Iterator[str]:
        """The load generator's commands, for the report."""
        for scenario in self._effort.loads:
            expected = self._arena.expectation(scenario, rewrites=False)
            seconds = self._effort.seconds * scenario.length
            yield shlex.join(self._arena.load.command(self._arena.upstream.port, scenario, expected, seconds))


@dataclass(frozen=True, slots=True)
class _Clocks:
    """Seconds: the wall's, the CPU time of the router and of the mock, and how long their cores were not idle."""

    wall: float
    router: float
    mock: float
    router_core: float
    load_core: float

    @classmethod
    def read(cls, arena: Arena, contestant: Contestant) -> _Clocks:
        mock = procfs.cpu_seconds(arena.upstream.pid)
        router = 0.0 if contestant.name == DIRECT else procfs.cpu_seconds(contestant.pid)
        cores = [procfs.core_time(core).busy for core in arena.cores]
        return cls(time.monotonic(), router, mock, *cores)

    def since(self, before: _Clocks) -> _Clocks:
        return _Clocks(
            self.wall - before.wall, self.router - before.router, self.mock - before.mock,
            self.router_core - before.router_core, self.load_core - before.load_core,
        )  # fmt: skip


def _line(sample: Sample) -> str:
    return (
        f"{sample.round + 1} {sample.program:12} {sample.scenario:10} {sample.rate:9.0f}/s"
        f"  p50 {sample.p50:.3f} p99 {sample.p99:.3f} ms"
        f"  CPU {sample.cpu:.1f} us  others {sample.foreign:.0%} {sample.foreign_load:.0%}"
    )

"""One run: rounds in which all programs are started, and take turns in slices of every load."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from routerbench import client, procfs, quiet, scenarios, slices
from routerbench.arena import Arena, Contestant
from routerbench.client import WrongAnswerError
from routerbench.effort import Effort, rotated, to_and_fro
from routerbench.peers import Launch, Peer
from routerbench.samples import Memory, Results, Sample, WrkRate
from routerbench.scenarios import SCENARIOS, Scenario
from routerbench.slices import Place, Slicer

WRK_SECONDS = 2


class Run:
    """Measures, and tells each finished step to `progress`."""

    def __init__(self, arena: Arena, effort: Effort, wrk: Path, progress: Callable[[str], None]) -> None:
        self._arena = arena
        self._effort = effort
        self._wrk = wrk
        self._progress = progress
        self._slicer = Slicer(arena, effort)
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
            self._round([peer for peer in rotated(peers, number) if number < peer.handling.rounds], number)

    def _round(self, peers: Sequence[Peer], number: int) -> None:
        with self.started(peers) as contestants:
            idle = [procfs.resident_mib(contestant.pid) for contestant in contestants]
            held = [self._held(contestant) for contestant in contestants]
            everyone = [self._arena.upstream, *contestants]
            for scenario in self._effort.loads:
                self.alternate([(contestant, scenario) for contestant in everyone], number)
            if not number and self._effort.loads == SCENARIOS:  # once is enough to see whether the generators agree
                self._by_wrk(everyone)
            for contestant, *before in zip(contestants, idle, held, strict=True):
                self._keep_memory(contestant, number, *before)

    @contextlib.contextmanager
    def started(self, peers: Iterable[Peer]) -> Iterator[list[Contestant]]:
        """All of these programs, each halted until its turn."""
        with contextlib.ExitStack() as stack:
            yield [self._start(peer, stack) for peer in peers]

    def alternate(self, entrants: Sequence[tuple[Contestant, Scenario]], number: int) -> None:
        """Slices of all entrants by turns. Those of one turn are near in time: they share the machine's mood."""
        for turn in range(self._effort.turns):
            for contestant, scenario in to_and_fro(entrants, number + turn):
                if turn < contestant.handling.turns:
                    sample = self._slicer.quietest(contestant, scenario, Place(number, turn))
                    self._samples.append(sample)
                    self._progress(slices.line(sample))

    def _start(self, peer: Peer, stack: contextlib.ExitStack) -> Contestant:
        try:
            contestant, launch = stack.enter_context(self._arena.started(peer))
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{peer.name}: {error}") from None
        self.launches[peer.name] = launch
        self.places[str(contestant.port)] = "$PORT"
        return contestant

    def _held(self, contestant: Contestant) -> float:
        """Resident MiB while its number of streams is open, each with at least its first chunk seen."""
        if not self._effort.held_chunks:
            return procfs.resident_mib(contestant.pid)
        scenario = scenarios.held(self._effort.held_chunks, 500, contestant.handling.held)
        expected = self._arena.expectation(scenario, rewrites=contestant.handling.rewrites)
        try:
            with (
                self._arena.awake(contestant),
                self._arena.load.held_open(contestant.port, scenario, expected),
            ):
                return procfs.resident_mib(contestant.pid)
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{contestant.name}: {scenario.name}: {error}") from None

    def _keep_memory(self, contestant: Contestant, number: int, idle: float, held: float) -> None:
        after = procfs.resident_mib(contestant.pid)
        streams = contestant.handling.held
        self._memory.append(Memory(contestant.name, number, idle, held, streams, after))
        self._progress(
            f"{number + 1} {contestant.name:12} MiB: {idle:.0f}, with {streams} streams {held:.0f}, at last {after:.0f}"
        )

    def _by_wrk(self, contestants: Sequence[Contestant]) -> None:
        script = self._arena.folder / "small.lua"
        script.write_text(client.wrk_script(scenarios.JSON.bodies))
        for contestant in contestants:
            quiet.wait(self._arena.cores, time.monotonic() + self._effort.patience)
            with self._arena.awake(contestant):
                rate = client.wrk(self._wrk, contestant.port, self._arena.cores.load, script, WRK_SECONDS)
            self._wrk_rates.append(WrkRate(contestant.name, 0, rate))

    def commands(self) -> Iterator[str]:
        """The load generator's commands, for the report."""
        port, warmup = self._arena.upstream.port, self._effort.warmup
        for scenario in self._effort.loads:
            expected = self._arena.expectation(scenario, rewrites=False)
            seconds = self._effort.seconds * scenario.length
            yield shlex.join(self._arena.load.command(port, scenario, expected, seconds, warmup))

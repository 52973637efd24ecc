"""Decides what to start and what to stop. Pure: from a World and the time to actions as values.

A changed Model's new process starts beside the old one, which serves until the new one is healthy, if this machine's
memory holds both; else the old one makes room first. On a GPU the old one always goes first: how much of its memory is
free is not known, and an engine that finds too little falls back to the CPU without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auriga_api.model_status import UNRESPONSIVE
from auriga_cli.local.backoff import retry_at
from auriga_cli.local.memory import gpu_need, need, room
from auriga_cli.local.state import Fetch, Limits, Process, Slot, Wanted, WeightsRequest, World

StopReason = Literal["Removed", "Replaced", "MakeRoom", "Turn", "NeverHealthy", "Unresponsive"]


@dataclass(frozen=True, slots=True)
class StartFetch:
    request: WeightsRequest


@dataclass(frozen=True, slots=True)
class StopFetch:
    id: str


@dataclass(frozen=True, slots=True)
class StartEngine:
    model: str
    replica: int
    revision: str
    memory: int
    gpu_memory: int = 0


@dataclass(frozen=True, slots=True)
class StopEngine:
    """``NeverHealthy`` and ``Unresponsive`` are failures and end it at once; the others let its requests finish.

    ``Turn`` has no haste: however long they take.
    """

    process: int
    reason: StopReason


Action = StartFetch | StopFetch | StartEngine | StopEngine


@dataclass(frozen=True, slots=True)
class Shortage:
    """An engine that is not started because its memory is not there."""

    need: int
    room: int
    total: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, when to look again at the latest, and who does not fit."""

    actions: tuple[Action, ...] = ()
    wake_at: float = float("inf")
    shortages: Mapping[str, Shortage] = field(default_factory=dict)


def decide(world: World, now: float, limits: Limits) -> Plan:
    """What brings the world closer to what is wanted."""
    planner = _Planner(world, now, limits)
    planner.plan()
    return Plan(tuple(planner.actions), planner.wake_at, planner.shortages)


class _Planner:
    """Collects the actions of one decision, and what they leave of the memory."""

    def __init__(self, world: World, now: float, limits: Limits) -> None:
        self.world = world
        self.now = now
        self.limits = limits
        self.actions: list[Action] = []
        self.wake_at = float("inf")
        self.shortages: dict[str, Shortage] = {}
        self.total = world.memory.total if world.memory else 0
        self.room = room(world.memory, world.processes) if world.memory else None
        self.stopping = {process.id for process in world.processes if process.state == "Stopping"}
        self.stuck: set[Slot] = set()

    def plan(self) -> None:
        self._stop_stuck()
        for model in dict.fromkeys(process.model for process in self.world.processes):
            if not self._serves(model):
                self._stop(self._running(model), "Turn" if self._takes_turns(model) else "Removed")
        for wanted in self.world.wanted.values():
            if self._serves(wanted.model):
                self._serve(wanted)
            elif wanted.autoscaling and not wanted.blocked:
                self._fetch(wanted)
        self._stop_unwanted_fetches()

    def _serves(self, model: str) -> bool:
        wanted = self.world.wanted.get(model)
        return wanted is not None and wanted.replicas > 0

    def _takes_turns(self, model: str) -> bool:
        wanted = self.world.wanted.get(model)
        return wanted is not None and wanted.autoscaling is not None

    def _running(self, model: str) -> list[Process]:
        return [each for each in self.world.processes if each.model == model and each.id not in self.stopping]

    def _stop(self, processes: list[Process], reason: StopReason) -> None:
        for process in processes:
            self.stopping.add(process.id)
            self.actions.append(StopEngine(process.id, reason))

    def _stop_stuck(self) -> None:
        for process in self.world.processes:
            if process.id in self.stopping:
                continue
            loading = process.state == "Loading"
            deadline = process.progress + (self.limits.load if loading else self.limits.silent)
            if self.now >= deadline:
                self._stop([process], "NeverHealthy" if loading else UNRESPONSIVE)
                self.stuck.add(process.slot)
                self._wake(self.now)
            else:
                self._wake(deadline)

    def _serve(self, wanted: Wanted) -> None:
        if wanted.blocked:
            # What runs from before keeps serving: a wrong edit must not take down what works.
            return
        running = self._running(wanted.model)
        current = [process for process in running if process.revision == wanted.revision]
        old = [process for process in running if process.revision != wanted.revision]
        surplus = [process for process in current if process.replica >= wanted.replicas]
        self._stop(surplus, "Turn" if wanted.autoscaling else "Removed")
        ready = sum(process.state == "Healthy" for process in current if process not in surplus)
        kept = _keep(old, wanted.replicas - ready)
        self._stop([process for process in old if process not in kept], "Replaced")
        fetch = self._fetch(wanted)
        if fetch:
            taken = {process.replica for process in current}
            for replica in (number for number in range(wanted.replicas) if number not in taken):
                self._start(wanted, fetch, replica, kept)

    def _fetch(self, wanted: Wanted) -> Fetch | None:
        """The weights, if they are here; else what it takes to get them is planned, once for all who want them."""
        fetch = self.world.fetches.get(wanted.request.id)
        if fetch and fetch.state == "Done":
            return fetch
        if fetch is None or (fetch.state == "Failed" and self._due(retry_at(fetch.failure, self.limits))):
            action = StartFetch(wanted.request)
            if not any(isinstance(each, StartFetch) and each.request.id == wanted.request.id for each in self.actions):
                self.actions.append(action)
        return None

    def _start(self, wanted: Wanted, fetch: Fetch, replica: int, old: list[Process]) -> None:
        slot = (wanted.model, replica, wanted.revision)
        # A failure found just now is not counted yet: the next decision knows when to try again.
        if slot in self.stuck or not self._due(retry_at(self.world.failures.get(slot), self.limits)):
            return
        if wanted.on_gpu and self._make_way(wanted, old):
            return
        bytes_needed = need(wanted, fetch.artifact)
        if self.room is not None:
            if bytes_needed > self.room:
                self._no_room(wanted, bytes_needed, self.room, old)
                return
            self.room -= bytes_needed
        gpu_memory = gpu_need(wanted, fetch.artifact)
        self.actions.append(StartEngine(wanted.model, replica, wanted.revision, bytes_needed, gpu_memory))

    def _make_way(self, wanted: Wanted, old: list[Process]) -> bool:
        """Whether processes of an older revision still hold the GPU; they are told to go."""
        self._stop([process for process in old if process.id not in self.stopping], "MakeRoom")
        return any(each.model == wanted.model and each.revision != wanted.revision for each in self.world.processes)

    def _no_room(self, wanted: Wanted, bytes_needed: int, left: int, old: list[Process]) -> None:
        """Waits for what is already leaving, else has older processes of the same Model leave, if that is enough."""
        coming = left + sum(each.memory for each in self.world.processes if each.id in self.stopping)
        serving = [each for each in old if each.id not in self.stopping]
        if bytes_needed > coming + sum(each.memory for each in serving):
            self.shortages[wanted.model] = Shortage(bytes_needed, left, self.total)
            return
        while bytes_needed > coming:
            process = serving.pop()
            self._stop([process], "MakeRoom")
            coming += process.memory

    def _stop_unwanted_fetches(self) -> None:
        wanted = {each.request.id for each in self.world.wanted.values() if each.replicas > 0 or each.autoscaling}
        for fetch in self.world.fetches.values():
            if fetch.state == "Running" and fetch.id not in wanted:
                self.actions.append(StopFetch(fetch.id))

    def _due(self, at: float) -> bool:
        if at > self.now:
            self._wake(at)
            return False
        return True

    def _wake(self, at: float) -> None:
        self.wake_at = min(self.wake_at, at)


def _keep(old: list[Process], missing: int) -> list[Process]:
    """The processes of an older revision that go on serving: healthy ones, as many as the new revision still lacks."""
    healthy = (process for process in old if process.state == "Healthy")
    return _first(healthy, max(missing, 0))


def _first(processes: Iterator[Process], count: int) -> list[Process]:
    return [process for process, _ in zip(processes, range(count), strict=False)]

"""Whatever happens, in whatever order, decisions lead to what is wanted, and never to two engines for one replica."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_api.model import Artifact, Autoscaling
from auriga_cli.local.backoff import failed, retry_at
from auriga_cli.local.plan import Plan, StartEngine, StartFetch, StopEngine, StopFetch, decide
from auriga_cli.local.state import (
    Blocked,
    Failure,
    Fetch,
    Limits,
    Memory,
    Process,
    Slot,
    Wanted,
    WeightsRequest,
    World,
)  # fmt: skip

MIB = 1 << 20
LIMITS = Limits()
MODELS = st.sampled_from(["default/a", "default/b", "default/c"])
SIZES = {"small": 100 * MIB, "large": 600 * MIB}


def request(weights: str) -> WeightsRequest:
    return WeightsRequest(weights, {"file": {"path": weights}}, "/", 512, 1)


class LocalMode(RuleBasedStateMachine):
    """A machine whose processes and fetches do what chance tells them; decisions are carried out at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.ids = itertools.count(1)
        self.wanted: dict[str, Wanted] = {}
        self.fetches: dict[str, Fetch] = {}
        self.processes: dict[int, Process] = {}
        self.failures: dict[Slot, Failure] = {}
        self.memory: Memory | None = None

    @initialize(known=st.booleans())
    def start(self, known: bool) -> None:
        self.memory = Memory(1000 * MIB, 1000 * MIB) if known else None

    # What people do.

    @rule(
        model=MODELS,
        replicas=st.integers(0, 3),
        revision=st.integers(1, 3),
        weights=st.sampled_from(sorted(SIZES)),
        on_gpu=st.booleans(),
        blocked=st.sampled_from([None, None, None, Blocked("SecretMissing", "")]),
        turns=st.sampled_from([None, Autoscaling()]),
    )
    def edit(
        self,
        *,
        model: str,
        replicas: int,
        revision: int,
        weights: str,
        on_gpu: bool,
        blocked: Blocked | None,
        turns: Autoscaling | None,
    ) -> None:
        """Also what a Model that takes turns may have is edited: with `turns` it changes all the time."""
        name = f"{revision}-{weights}-{on_gpu}"
        self.wanted[model] = Wanted(
            model, model[-1], replicas, request(weights), name, on_gpu=on_gpu, blocked=blocked, autoscaling=turns
        )
        self.look()

    @precondition(lambda self: self.wanted)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.wanted[data.draw(st.sampled_from(sorted(self.wanted)))]
        self.look()

    # What processes and time do.

    @precondition(lambda self: self.processes)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.ended(self.processes.pop(data.draw(st.sampled_from(sorted(self.processes)))))
        self.look()

    @precondition(lambda self: any(each.state == "Loading" for each in self.processes.values()))
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        loading = sorted(number for number, each in self.processes.items() if each.state == "Loading")
        self.loaded(data.draw(st.sampled_from(loading)))
        self.look()

    @precondition(lambda self: any(each.state == "Running" for each in self.fetches.values()))
    @rule(data=st.data(), works=st.booleans())
    def fetch(self, data: st.DataObject, works: bool) -> None:
        running = sorted(number for number, each in self.fetches.items() if each.state == "Running")
        self.fetched(data.draw(st.sampled_from(running)), works=works)
        self.look()

    @rule(seconds=st.sampled_from([0.1, 1.0, 7.0, 61.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    # What must always hold.

    @invariant()
    def one_process_for_each_replica(self) -> None:
        slots = [each.slot for each in self.processes.values() if each.state != "Stopping"]
        assert len(slots) == len(set(slots))

    @invariant()
    def engines_fit_into_the_memory(self) -> None:
        if self.memory:
            assert sum(each.memory for each in self.processes.values()) <= self.memory.total

    def teardown(self) -> None:
        """When nothing more goes wrong, everything that is wanted and fits serves, and nothing else runs."""
        for _ in range(200):
            if self.done():
                break
            self.settle()
        assert self.done()

    # How decisions are carried out.

    def world(self) -> World:
        return World(
            dict(self.wanted), dict(self.fetches), tuple(self.processes.values()), dict(self.failures), self.memory
        )

    def look(self) -> Plan:
        plan = decide(self.world(), self.now, LIMITS)
        stuck = False
        for action in plan.actions:
            match action:
                case StartFetch():
                    known = self.fetches.get(action.request.id)
                    assert known is None or known.state == "Failed"
                    before = known.failure if known else None
                    assert self.now >= retry_at(before, LIMITS)
                    self.fetches[action.request.id] = Fetch(action.request.id, "Running", failure=before)
                case StopFetch():
                    del self.fetches[action.id]
                case StartEngine():
                    self.started(action)
                case StopEngine():
                    stuck = self.stopped(action) or stuck
        return self.look() if stuck else plan

    def started(self, action: StartEngine) -> None:
        wanted = self.wanted[action.model]
        slot = (action.model, action.replica, action.revision)
        assert wanted.blocked is None
        assert action.revision == wanted.revision
        assert self.fetches[wanted.request.id].state == "Done"
        assert self.now >= retry_at(self.failures.get(slot), LIMITS)
        others = [each for each in self.processes.values() if each.model == action.model]
        assert not wanted.on_gpu or all(each.revision == action.revision for each in others)
        number = next(self.ids)
        self.processes[number] = Process(number, *slot, "Loading", self.now, self.now, action.memory)

    def stopped(self, action: StopEngine) -> bool:
        process = self.processes[action.process]
        assert process.state != "Stopping"
        self.processes[action.process] = replace(process, state="Stopping", since=self.now)
        if action.reason in ("NeverHealthy", "Unresponsive"):
            self.failures[process.slot] = failed(self.failures.get(process.slot), self.now, LIMITS)
            return True
        return False

    def ended(self, process: Process) -> None:
        if process.state != "Stopping":
            healthy_for = self.now - process.since if process.state == "Healthy" else 0.0
            self.failures[process.slot] = failed(self.failures.get(process.slot), self.now, LIMITS, healthy_for)

    def loaded(self, number: int) -> None:
        self.processes[number] = replace(self.processes[number], state="Healthy", since=self.now, progress=self.now)

    def fetched(self, number: str, *, works: bool) -> None:
        before = self.fetches[number].failure
        if works:
            artifact = Artifact(size_bytes=SIZES[number])
            self.fetches[number] = Fetch(number, "Done", path=number, artifact=artifact)
        else:
            self.fetches[number] = Fetch(number, "Failed", failure=failed(before, self.now, LIMITS))

    def settle(self) -> None:
        """A round in which everything works: what loads becomes healthy, what stops ends, what is healthy answers."""
        plan = self.look()
        for number, fetch in list(self.fetches.items()):
            if fetch.state == "Running":
                self.fetched(number, works=True)
        for number, process in list(self.processes.items()):
            if process.state == "Stopping":
                del self.processes[number]
            elif process.state == "Loading":
                self.loaded(number)
        if plan.wake_at != float("inf"):
            self.now = max(self.now, min(plan.wake_at, self.now + 59.0))
        for number, process in self.processes.items():
            self.processes[number] = replace(process, progress=self.now)

    def done(self) -> bool:
        plan = decide(self.world(), self.now, LIMITS)
        if plan.actions or any(each.state != "Healthy" for each in self.processes.values()):
            return False
        for model, wanted in self.wanted.items():
            replicas = {each.slot[1:] for each in self.processes.values() if each.model == model}
            asked = {(number, wanted.revision) for number in range(wanted.replicas)}
            if wanted.blocked is None and model not in plan.shortages and replicas != asked:
                return False
        return all(each.model in self.wanted for each in self.processes.values())


LocalMode.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestLocalMode = LocalMode.TestCase

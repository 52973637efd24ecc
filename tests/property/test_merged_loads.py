"""Whatever workers tell, die and come back: the load of all is their sum, no peak is lost, and no counter falls."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_api.load import EndpointLoad, LoadReport, ModelLoad, merge
from auriga_router.loads import LoadReader
from auriga_router.workers.merged_loads import MergedLoads

MODELS = ["ns/one", "ns/two"]
NUMBERS = [1, 2, 3]


@dataclass
class Process:
    """A worker, as far as it has told of itself."""

    name: str
    loads: dict[str, ModelLoad] = field(default_factory=dict)


def counts(load: ModelLoad | None) -> tuple[int, int, int]:
    assert load is not None
    return load.in_flight, load.queued, load.requests


class Merging(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now, self.processes, self.started = 1000.0, dict[int, Process](), 0
        self.unread = 0
        self.merged = MergedLoads("router", lambda: self.now, self.on_unread)
        self.state: dict[str, ModelLoad] = {}
        self.highest: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    def on_unread(self) -> None:
        self.unread += 1

    @initialize()
    def follow(self) -> None:
        self.reader: LoadReader = self.merged.reader(lambda: None)
        self.take()

    @rule(number=st.sampled_from(NUMBERS))
    def start(self, number: int) -> None:
        if number not in self.processes:
            self.started += 1
            self.processes[number] = Process(f"worker-{number}-{self.started}")
            self.merged.told(number, LoadReport(self.processes[number].name, {}, full=True))

    @rule(number=st.sampled_from(NUMBERS), model=st.sampled_from(MODELS), counts=st.tuples(*[st.integers(0, 5)] * 3))
    def tell(self, number: int, model: str, counts: tuple[int, int, int]) -> None:
        process = self.processes.get(number)
        if process is None:
            return
        in_flight, queued, more = counts
        known = process.loads.get(model, ModelLoad())
        load = ModelLoad(in_flight, queued, known.requests + more + 1, 4, 0.0, {"10.0.0.1:80": EndpointLoad(in_flight)})
        process.loads[model] = load
        self.asked[model] = self.asked.get(model, 0) + more + 1
        self.merged.told(number, LoadReport(process.name, {model: load}))
        self.note(model)

    @rule(number=st.sampled_from(NUMBERS))
    def die(self, number: int) -> None:
        if self.processes.pop(number, None):
            self.merged.ended(number)

    @rule(number=st.sampled_from(NUMBERS))
    def lose_the_connection(self, number: int) -> None:
        process = self.processes.get(number)
        if process is not None:
            self.merged.ended(number)
            self.merged.told(number, LoadReport(process.name, dict(process.loads), full=True))
            for model in process.loads:
                self.note(model)

    @rule(seconds=st.floats(0.1, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def note(self, model: str) -> None:
        self.highest[model] = max(self.highest.get(model, 0), self.now_at(model))

    def now_at(self, model: str) -> int:
        loads = [process.loads.get(model, ModelLoad()) for process in self.processes.values()]
        return sum(load.in_flight + load.queued for load in loads)

    @rule()
    def take(self) -> None:
        report = self.reader.take()
        before, self.state = self.state, merge(self.state, report)
        for model, highest in self.highest.items():
            load = self.state[model]
            assert report.full or load.in_flight + load.queued >= highest
            assert load.requests >= before.get(model, ModelLoad()).requests
        self.highest.clear()

    @precondition(lambda self: self.asked)
    @invariant()
    def the_sum_is_that_of_those_that_live(self) -> None:
        for model, asked in self.asked.items():
            load = self.merged.of(model)
            assert load is not None
            assert load.in_flight + load.queued == self.now_at(model)
            assert load.requests == asked
            assert load.endpoints["10.0.0.1:80"].in_flight == load.in_flight
            assert load.idle is not None

    def teardown(self) -> None:
        if not hasattr(self, "reader"):
            return
        for _ in range(2):  # a peak, and what it fell to
            self.take()
        assert {model: counts(load) for model, load in self.state.items()} == {
            model: counts(self.merged.of(model)) for model in self.asked
        }
        assert not self.unread
        self.reader.close()
        assert self.unread == 1


TestMerging = Merging.TestCase


def test_what_one_model_tells_does_not_have_all_that_are_known_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    merged = MergedLoads("router", lambda: 0.0, lambda: None)
    reader = merged.reader(lambda: None)
    reader.take()
    monkeypatch.setattr(merged, "_known", lambda: pytest.fail("all were looked at"))
    for number in (1, 2):
        models = {f"ns/{name}": ModelLoad(in_flight=1, requests=1) for name in range(100)}
        merged.told(number, LoadReport(f"worker-{number}", models, full=True))
    assert {load.in_flight for load in reader.take().models.values() if load} == {2}

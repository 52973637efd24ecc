"""However seldom somebody reads: at rest the picture that reports make is the truth, and no peak is lost on the way."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_api.load import ModelLoad, merge, read_report, write_report
from auriga_router.compile import compile as compile_table
from auriga_router.loads import LoadReader, Loads
from auriga_router.table import RoutingTable
from support.http_router import model, snapshot

KEYS = ["default/m1", "default/m2", "default/m3"]
MODELS = {key: model(key.partition("/")[2], engine={"parallel": 2}) for key in KEYS}
NAMES = st.sampled_from(KEYS)


class Waiter:
    def on_turn(self) -> None: ...


class Reader:
    """Puts reports together, as the operator does."""

    def __init__(self, loads: Loads) -> None:
        self.told = 0
        self.reader: LoadReader = loads.reader(self._on_change)
        self.state: dict[str, ModelLoad] = {}
        self.peaks: dict[str, int] = {}
        """Requests, at work and waiting together, that the Models had at most since they were last told of."""

    def _on_change(self) -> None:
        self.told += 1

    def saw(self, key: str, in_flight: int, queued: int) -> None:
        self.peaks[key] = max(self.peaks.get(key, 0), in_flight + queued)

    def take(self, most: int | None) -> None:
        report = read_report(write_report(self.reader.take(most)))
        self.state = merge(self.state, report)
        if report.full:
            self.peaks.clear()  # it tells how things stand
        for key, load in report.models.items():
            # Of a Model that has just changed again, the newest peak may be for the next report.
            if load is None or load.in_flight + load.queued >= self.peaks.get(key, 0):
                self.peaks.pop(key, None)


class Loading(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.table = RoutingTable()
        self.waiters: list[tuple[str, Waiter]] = []
        self.running: list[str] = []
        self.readers: list[Reader] = []
        self.loads = Loads("router", lambda: self.table, lambda _: (), lambda: self.now)

    @initialize()
    def begin(self) -> None:
        self.apply(dict.fromkeys(KEYS, 2))

    def apply(self, models: dict[str, int]) -> None:
        """The Models that there are, with the number of their endpoints. As the router does it."""
        before = self.table
        objects = [MODELS[key] for key in models]
        addresses = {key: [f"10.0.0.{number}:80" for number in range(count)] for key, count in models.items()}
        self.table = compile_table(snapshot(*objects, endpoints=addresses), before)
        for key in self.table.changed:
            backend = self.table.backends.get(key)
            if backend is not None:
                self.loads.follow(backend)
                backend.slots.resize(backend.capacity, 100, 0)
            else:
                self.loads.forget(before.backends[key])
                self.running = [each for each in self.running if each != key]
                self.waiters = [each for each in self.waiters if each[0] != key]

    def changed(self, key: str) -> None:
        slots = self.table.backends[key].slots
        for reader in self.readers:
            reader.saw(key, slots.in_flight, slots.waiting)

    def there(self, key: str) -> bool:
        return key in self.table.backends

    @rule(key=NAMES)
    def request(self, key: str) -> None:
        if self.there(key):
            self.now += 0.01
            self.table.backends[key].slots.begin(self.now)
            self.running.append(key)
            self.changed(key)

    @rule(key=NAMES)
    def find_cold(self, key: str) -> None:
        if self.there(key):
            self.now += 0.01
            self.table.backends[key].slots.want(self.now)

    @rule(key=NAMES)
    def wait(self, key: str) -> None:
        if self.there(key):
            waiter = Waiter()
            self.table.backends[key].slots.want(self.now)
            self.table.backends[key].slots.wait(waiter, self.now)
            self.waiters.append((key, waiter))
            self.changed(key)

    @precondition(lambda self: self.waiters)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        key, waiter = self.waiters.pop(data.draw(st.integers(0, len(self.waiters) - 1)))
        self.table.backends[key].slots.leave(waiter)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        key = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        slots = self.table.backends[key].slots
        slots.queue, queue = None, slots.queue  # who waits stays: the queue has its own test
        slots.end(self.now)
        slots.queue = queue

    @rule(models=st.dictionaries(NAMES, st.integers(0, 3)))
    def world_changes(self, models: dict[str, int]) -> None:
        for reader in self.readers:
            for key in KEYS:
                if key not in models:
                    reader.peaks.pop(key, None)
        self.apply(models)

    @rule()
    def reader_comes(self) -> None:
        if len(self.readers) < 3:
            self.readers.append(Reader(self.loads))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def reader_goes(self, data: st.DataObject) -> None:
        self.readers.pop(data.draw(st.integers(0, len(self.readers) - 1))).reader.close()

    @precondition(lambda self: self.readers)
    @rule(data=st.data(), most=st.sampled_from([None, 1, 2]))
    def read(self, data: st.DataObject, most: int | None) -> None:
        data.draw(st.sampled_from(self.readers)).take(most)

    @invariant()
    def what_is_kept_is_bounded(self) -> None:
        assert self.loads.changed <= len(KEYS)
        for reader in self.readers:
            assert reader.reader.behind <= 1 + 2 * len(KEYS)

    def teardown(self) -> None:
        """At rest everybody comes to know the truth, in few reports, and then there is nothing to tell."""
        truth = {}
        for key, backend in self.table.backends.items():
            load = self.loads.of(key)
            assert load is not None
            if backend.slots.requests:
                truth[key] = replace(load, idle=None, endpoints={})
        for reader in self.readers:
            for _ in range(3):
                reader.take(None)
            assert not reader.reader.behind
            assert not reader.peaks, "never told"
            known = {key: replace(load, idle=None, endpoints={}) for key, load in reader.state.items()}
            # One that went and came again is told of, too, though nobody has asked the new one.
            assert {key: load for key, load in known.items() if load.requests} == truth
            assert {key for key, load in known.items() if not load.requests} <= self.table.backends.keys()


TestLoading = Loading.TestCase

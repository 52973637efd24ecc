"""Models that take turns on one memory: nobody at work is ended, everybody who asks comes, and not too often."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_cli.local.claim import NEVER
from support.turns import Machine, Seen

NAMES = ("a", "b", "c", "d")


class Turning(RuleBasedStateMachine):
    """Requests, processes and time do what chance tells them."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(0, [])
        self.equal = False

    @initialize(
        sizes=st.lists(st.integers(1, 12), min_size=2, max_size=4),
        loads=st.lists(st.sampled_from([0.1, 3.0, 100.0]), min_size=4, max_size=4),
        equal=st.booleans(),
    )
    def start(self, sizes: list[int], loads: list[float], equal: bool) -> None:
        self.equal = equal
        models = [
            Seen(name, 10 if equal else size, load) for name, size, load in zip(NAMES, sizes, loads, strict=False)
        ]
        self.machine = Machine(10, models)
        self.plan = self.machine.look()

    def pick(self, data: st.DataObject, wanted: list[str]) -> Seen:
        return self.machine.models[data.draw(st.sampled_from(wanted))]

    def some(self, **having: bool) -> list[str]:
        return [name for name, each in self.machine.models.items() if all(bool(getattr(each, key)) for key in having)]

    @rule(data=st.data(), count=st.integers(1, 5))
    def ask(self, data: st.DataObject, count: int) -> None:
        self.pick(data, sorted(self.machine.models)).waiting += count
        self.plan = self.machine.look()

    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        self.pick(data, sorted(self.machine.models)).woken = True
        self.plan = self.machine.look()

    @precondition(lambda self: self.some(waiting=True))
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        self.pick(data, self.some(waiting=True)).waiting -= 1
        self.plan = self.machine.look()

    @precondition(lambda self: self.some(in_flight=True))
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.machine.finished(self.pick(data, self.some(in_flight=True)))
        self.plan = self.machine.look()

    @precondition(lambda self: self.some(loading=True))
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        self.machine.loaded(self.pick(data, self.some(loading=True)))
        self.plan = self.machine.look()

    @precondition(lambda self: self.some(leaving=True))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        model = self.pick(data, self.some(leaving=True))
        model.leaving[0] = max(0, model.leaving[0] - 1)
        if not model.leaving[0]:
            del model.leaving[0]
        self.plan = self.machine.look()

    @rule(seconds=st.sampled_from([0.01, 0.5, 3.0, 130.0]))
    def wait(self, seconds: float) -> None:
        self.machine.now += seconds
        self.plan = self.machine.look()

    @invariant()
    def it_fits(self) -> None:
        assert self.machine.held <= self.machine.total

    @invariant()
    def nobody_passes_twice(self) -> None:
        if self.equal:  # else somebody small may use, again and again, what is of no use to who waits
            for model in self.machine.models.values():
                assert all(times == 1 for name, times in model.passed.items() if name != model.name)

    def teardown(self) -> None:
        """When nobody asks any more, everybody who fits is served, and nothing changes after that."""
        for _ in range(100):
            if not self.settle():
                break
        for model in self.machine.models.values():
            assert not model.waiting or model.size > self.machine.total
        assert not self.settle()

    def settle(self) -> bool:
        """A round in which everything works; whether there is more to do."""
        for model in self.machine.models.values():
            model.leaving.clear()
            if model.loading:
                self.machine.loaded(model)
            while model.in_flight:
                self.machine.finished(model)
        plan = self.machine.look()
        busy = any(each.in_flight or each.loading or each.leaving for each in self.machine.models.values())
        if plan.wake_at != NEVER:
            assert plan.wake_at > self.machine.now
            self.machine.now = plan.wake_at
        return busy or plan.wake_at != NEVER


Turning.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestTurning = Turning.TestCase

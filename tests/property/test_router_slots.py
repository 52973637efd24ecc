"""The queue of a Model under any order of events: never too many at once, first come first served, nobody forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_router.compile import compile as compiled
from auriga_router.routing.choose import Wait, choose_or_wait
from auriga_router.routing.pace import Pace
from auriga_router.slots import Slots
from support.http_router import chain, model, snapshot


class Request:
    """Goes ahead if there is room, else waits, and goes ahead when it is called."""

    def __init__(self, number: int, machine: Admission) -> None:
        self.number = number
        self._machine = machine

    def on_turn(self) -> None:
        machine = self._machine
        machine.waiting.remove(self)
        machine.come(self)


class Admission(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.slots = Slots()
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.started: list[int] = []
        self.most = 0
        self.count = 0
        self.now = 0.0

    @initialize(capacity=st.integers(1, 4), longest=st.integers(0, 5))
    def begin(self, capacity: int, longest: int) -> None:
        self.slots.resize(capacity, longest, 0)

    def come(self, request: Request) -> None:
        if self.slots.has_room():
            assert not self.waiting or request.number < self.waiting[0].number
            self.slots.begin(self.now)
            self.running.append(request)
            self.started.append(request.number)
        elif self.slots.may_wait():
            self.slots.wait(request, self.now)
            self.waiting.append(request)

    @rule()
    def request(self) -> None:
        self.count += 1
        self.now += 1.0
        self.come(Request(self.count, self))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.running.remove(data.draw(st.sampled_from(self.running)))
        self.slots.end(self.now)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(gone)
        self.slots.leave(gone)

    @rule(capacity=st.integers(0, 4))
    def resize(self, capacity: int) -> None:
        self.slots.resize(capacity, self.slots.longest, 0)
        self.slots.call(self.now)

    @invariant()
    def nobody_waits_beside_a_free_slot(self) -> None:
        assert self.slots.in_flight == len(self.running)
        assert self.slots.waiting == len(self.waiting)
        if self.waiting:
            assert self.slots.capacity
            assert self.slots.in_flight >= self.slots.capacity

    @invariant()
    def first_come_first_served(self) -> None:
        assert self.started == sorted(self.started)


TestAdmission = Admission.TestCase


@given(st.integers(0, 3), st.integers(1, 6))
def test_the_limit_holds_whatever_capacity_there_was(running: int, capacity: int) -> None:
    slots = Slots(capacity=capacity, longest=9)
    for _ in range(running):
        slots.begin(0.0)
    assert slots.has_room() == (running < capacity)


@given(st.integers(1, 12), st.lists(st.floats(0, 30), min_size=1, max_size=12))
def test_a_pace_lets_no_more_than_its_limit_through_in_a_minute_beyond_the_first(
    per_minute: int, gaps: list[float]
) -> None:
    pace = Pace()
    pace.limit(per_minute)
    now, went = 1000.0, []
    for gap in gaps:
        now += gap
        for _ in range(20):
            if pace.wait(now) > 0.0:
                break
            pace.take(now)
            went.append(now)
    for start in went:
        # A minute's worth at once, and what becomes due within the minute.
        assert sum(start <= moment < start + 60.0 for moment in went) <= 2 * per_minute
    assert sum(moment == 1000.0 + gaps[0] for moment in went) <= per_minute


def test_a_pace_says_when_the_next_may_go() -> None:
    pace = Pace()
    assert pace.wait(0.0) <= 0.0
    pace.limit(2)
    for _ in range(2):
        assert pace.wait(10.0) <= 0.0
        pace.take(10.0)
    assert pace.wait(10.0) == 30.0
    assert pace.wait(40.0) <= 0.0


class Stubborn:
    """Waits on when it is called, but for those who may go."""

    def __init__(self, slots: Slots, name: str, going: set[str], *, ahead: bool) -> None:
        self.slots, self.name, self.going, self.ahead = slots, name, going, ahead
        self.called = 0

    def on_turn(self) -> None:
        self.called += 1
        if self.name not in self.going:
            self.slots.wait(self, 50.0, ahead=self.ahead)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), unique_by=lambda one: one[0]), st.data())
def test_who_is_called_and_waits_on_keeps_its_place_and_hides_nobody(
    names: list[tuple[str, bool]], data: st.DataObject
) -> None:
    slots = Slots(longest=9)
    going = set(data.draw(st.lists(st.sampled_from("abcdefgh"))))
    waiters = [Stubborn(slots, name, going, ahead=ahead) for name, ahead in names]
    for number, waiter in enumerate(waiters):
        slots.wait(waiter, float(number), ahead=waiter.ahead)
    before = dict(slots.queue or {})
    slots.call(60.0)
    assert all(waiter.called == 1 for waiter in waiters)
    assert list((slots.queue or {}).items()) == [
        (waiter, since) for waiter, since in before.items() if waiter.name not in going
    ]
    assert sum(slots.waited.counts) == len([waiter for waiter in waiters if waiter.name in going])


def test_who_comes_does_not_overtake_those_who_wait_where_a_slot_is_free() -> None:
    table = compiled(
        snapshot(model("m1", engine={"parallel": 2}), chain("role", "m1"), endpoints={"m1": "10.0.0.1:80"})
    )
    role, slots = table.names["role"], table.backends["default/m1"].slots
    slots.resize(2, 9, 0)
    assert isinstance(choose_or_wait(role, frozenset(), [], 0, 1.0), tuple)
    slots.wait(Stubborn(slots, "a", set(), ahead=False), 0.0)
    assert isinstance(choose_or_wait(role, frozenset(), [], 0, 1.0), Wait)

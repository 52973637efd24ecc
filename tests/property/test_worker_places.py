"""Requests at a Model that is limited for all workers together: never too many, first come first served among all of
them, nobody forgotten, whichever of them has the callers."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auriga_router.slots import Slots
from auriga_router.workers.group import Group
from auriga_router.workers.place import WIDTH, Place, clear

WORKERS = 3
SOME = st.integers(0, WORKERS - 1)


class Request:
    def __init__(self, number: int, worker: int, machine: Crowd) -> None:
        self.number = number
        self.worker = worker
        self._machine = machine

    def on_turn(self) -> None:
        self._machine.waiting.remove(self)
        self._machine.come(self)


class Crowd(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = [0.0] * WIDTH * WORKERS
        self.rung: list[int] = []
        self.slots = [Slots(capacity=-1, longest=-1) for _ in range(WORKERS)]
        self.places = [
            Place(slots, self.numbers, worker + 1, self.rung.append, lambda place, waits: None)
            for worker, slots in enumerate(self.slots)
        ]
        for slots, place in zip(self.slots, self.places, strict=True):
            slots.share(place)
        self.waiting: list[Request] = []
        self.running: list[Request] = []
        self.started: list[int] = []
        self.refused = 0
        self.count = 0
        self.capacity = self.longest = 0

    @initialize(capacity=st.integers(1, 4), longest=st.integers(0, 5))
    def begin(self, capacity: int, longest: int) -> None:
        self.capacity, self.longest = capacity, longest
        for place in self.places:
            place.resize(capacity, longest)

    def come(self, request: Request) -> None:
        slots = self.slots[request.worker]
        if slots.has_room():
            slots.begin(float(request.number))
            self.running.append(request)
            self.started.append(request.number)
        elif slots.may_wait():
            slots.wait(request, float(request.number))
            self.waiting.append(request)
        else:
            self.refused += 1
            assert len(self.waiting) >= self.longest

    @rule(worker=SOME)
    def request(self, worker: int) -> None:
        self.count += 1
        self.come(Request(self.count, worker, self))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        done = data.draw(st.sampled_from(self.running))
        self.running.remove(done)
        self.slots[done.worker].end(float(self.count))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(gone)
        self.slots[gone.worker].leave(gone)

    @rule()
    def hear(self) -> None:
        """All who were told to look do so."""
        for _ in range(100):
            if not self.rung:
                break
            self.slots[self.rung.pop(0) - 1].call(float(self.count))
        assert not self.rung
        assert not self.waiting or len(self.running) == self.capacity

    @invariant()
    def no_more_than_may_be_and_all_told(self) -> None:
        assert len(self.running) <= self.capacity
        assert len(self.waiting) <= max(self.longest, 0)
        for worker in range(WORKERS):
            mine = [each.number for each in self.waiting if each.worker == worker]
            running = sum(each.worker == worker for each in self.running)
            told = self.numbers[WIDTH * worker : WIDTH * (worker + 1)]
            assert told == [running, len(mine), min(mine, default=0)]

    @invariant()
    def who_waits_will_be_called(self) -> None:
        if self.waiting and len(self.running) < self.capacity:
            assert self.rung

    @invariant()
    def first_come_first_served(self) -> None:
        assert self.started == sorted(self.started)


TestCrowd = Crowd.TestCase


class Waits:
    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.went = 0

    def on_turn(self) -> None:
        assert self._slots.has_room()
        self._slots.begin(9.0)
        self.went += 1


def pair(capacity: int) -> tuple[list[float], list[Slots], list[int]]:
    numbers, rung = [0.0] * WIDTH * 2, list[int]()
    both = [Slots(capacity=-1, longest=-1) for _ in range(2)]
    for worker, slots in enumerate(both, 1):
        place = Place(slots, numbers, worker, rung.append, lambda place, waits: None)
        place.resize(capacity, 9)
        slots.share(place)
    return numbers, both, rung


@given(st.integers(1, 5))
def test_who_has_all_the_callers_has_all_the_room(capacity: int) -> None:
    _, (one, other), _ = pair(capacity)
    for _ in range(capacity):
        assert one.has_room()
        one.begin(1.0)
    assert not one.has_room()
    assert not other.has_room()
    one.end(2.0)
    assert other.has_room()


def test_what_a_dead_worker_had_is_free_and_who_waits_takes_it_when_it_looks() -> None:
    numbers, (one, other), rung = pair(1)
    one.begin(1.0)
    one.wait(Waits(one), 1.0)
    waits = Waits(other)
    other.wait(waits, 2.0)
    other.call(3.0, overdue=True)
    assert waits.went == 0
    clear(numbers, 1)
    assert not rung
    other.call(3.0, overdue=True)
    assert waits.went == 1


def test_one_that_hangs_is_not_waited_for_longer_than_until_the_next_look() -> None:
    numbers, (one, other), rung = pair(2)
    one.begin(1.0)
    one.wait(Waits(one), 1.0)
    waits = Waits(other)
    assert not other.has_room()  # somebody elsewhere was first
    other.wait(waits, 2.0)
    other.call(3.0)
    assert (waits.went, set(rung)) == (0, {1})
    other.call(3.0, overdue=True)
    assert (waits.went, numbers[WIDTH]) == (1, 1)


def test_a_limit_that_is_taken_back_counts_no_more() -> None:
    numbers, (one, _), _ = pair(1)
    one.begin(1.0)
    one.wait(Waits(one), 1.0)
    one.share(None)
    one.end(2.0)
    assert numbers == [0.0] * WIDTH * 2


def test_the_parent_frees_what_a_worker_had_that_ended() -> None:
    group = Group(2)
    names = ("default/a", "default/b")
    for name in names:
        numbers = group.places.of(name)
        for at in range(WIDTH * 2):
            numbers[at] = at + 1.0
    group.restarted(1)
    assert [list(group.places.of(name)) for name in names] == [[0, 0, 0, 4, 5, 6]] * 2
    group.close()


def test_told_often_enough_a_worker_hears_of_it_once_more() -> None:
    group = Group(1)
    for _ in range(100_000):
        group.ring(1)
    assert group.heard(1) >= 0
    group.close()


def test_nobody_waits_since_the_beginning_of_time() -> None:
    _, (one, other), rung = pair(1)
    one.begin(1.0)
    other.wait(Waits(other), 5.0)
    assert one.common is not None
    assert not one.common.others_first(5.0)
    assert one.common.others_first(math.inf)
    assert rung == [2]

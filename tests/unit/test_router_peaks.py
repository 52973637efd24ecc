"""What a report tells of the moments since the last one: the fullest of them, in which nobody counts twice."""

from __future__ import annotations

from auriga_router.compile import compile as compiled
from auriga_router.loads import LoadReader, Loads
from auriga_router.slots import Slots
from support.http_router import model, snapshot


class Waiting:
    """A request that waits, and goes ahead at its turn."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots

    def on_turn(self) -> None:
        self.slots.begin(1.0)


def test_a_request_that_waited_and_is_at_work_counts_once() -> None:
    slots = Slots(longest=9, capacity=4)
    for _ in range(3):
        slots.wait(Waiting(slots), 0.0)
    assert (slots.most_in_flight, slots.most_waiting) == (0, 3)
    for _ in range(3):
        slots.call(1.0)
    assert (slots.in_flight, slots.waiting) == (3, 0)
    assert slots.most_in_flight + slots.most_waiting == 3


def test_the_fullest_moment_is_kept() -> None:
    slots = Slots(longest=9, capacity=4)
    for _ in range(4):
        slots.begin(0.0)
    slots.wait(Waiting(slots), 0.0)
    assert (slots.most_in_flight, slots.most_waiting) == (4, 1)
    for _ in range(5):
        slots.end(1.0)
    slots.begin(2.0)
    assert (slots.most_in_flight, slots.most_waiting) == (4, 1)


def a_world() -> tuple[Loads, Slots]:
    """A Model that was asked once, long ago."""
    table = compiled(snapshot(model("m"), endpoints={"m": "10.0.0.1:80"}))
    loads = Loads("router", lambda: table, lambda _: (), lambda: 10.0)
    (backend,) = table.backends.values()
    loads.follow(backend)
    backend.slots.begin(0.0)
    backend.slots.end(0.0)
    return loads, backend.slots


def told(reader: LoadReader) -> list[int]:
    """Requests under way in all reports until there is nothing to tell."""
    found = []
    while reader.behind:
        found += [load.in_flight for load in reader.take().models.values() if load is not None]
    return found


def test_a_peak_that_was_told_is_not_told_again() -> None:
    loads, slots = a_world()
    reader = loads.reader(lambda: None)
    told(reader)
    for _ in range(4):
        slots.begin(1.0)
    for _ in range(4):
        slots.end(1.0)
    assert told(reader) == [4, 0]
    slots.begin(2.0)
    assert told(reader) == [1]


def test_a_peak_waits_for_each_reader() -> None:
    loads, slots = a_world()
    often, seldom = loads.reader(lambda: None), loads.reader(lambda: None)
    told(often)
    told(seldom)
    for running in (4, 1):
        for _ in range(running):
            slots.begin(1.0)
        for _ in range(running):
            slots.end(1.0)
        assert told(often) == [running, 0]
    assert told(seldom) == [4, 0]

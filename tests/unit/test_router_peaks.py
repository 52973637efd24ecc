"""What a report tells of the moments since the last one: the fullest of them, in which nobody counts twice."""

from __future__ import annotations

from auriga_router.slots import Slots


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

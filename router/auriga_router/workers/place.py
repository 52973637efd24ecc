"""One worker's view of the requests at a Model that is limited for all workers together. Pure.

Each worker writes what there is of its own, and reads what there is of all, without a lock: of requests that come to
several workers within the same microsecond one too many may go ahead.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from typing import Final

from auriga_router.slots import Slots

WIDTH: Final = 3
"""Numbers of each worker: requests in flight, requests that wait, and since when the first one does."""


def clear(numbers: MutableSequence[float], worker: int) -> None:
    """This worker has nothing there any more."""
    for at in range(WIDTH * (worker - 1), WIDTH * worker):
        numbers[at] = 0.0


class Place:
    """Implements ``slots.Common``."""

    def __init__(
        self,
        slots: Slots,
        numbers: MutableSequence[float],
        worker: int,
        ring: Callable[[int], None],
        waits: Callable[[Place, bool], None],
    ) -> None:
        """``numbers``: of all workers; ``ring``: tells one of them to look; ``waits``: whether somebody waits here."""
        self.slots = slots
        self.turned_back = False
        """Somebody was not let through, by this limit and not because the Model has no endpoint yet."""
        self._numbers = numbers
        self._at = WIDTH * (worker - 1)
        self._ring = ring
        self._waits = waits
        self._capacity = 0
        self._longest = 0

    def resize(self, capacity: int, longest: int) -> None:
        """See Common."""
        self._capacity, self._longest = capacity, longest

    def has_room(self) -> bool:
        """See Common."""
        has_room = sum(self._numbers[::WIDTH]) < self._capacity
        self.turned_back = self.turned_back or not has_room
        return has_room

    def may_wait(self) -> bool:
        """See Common."""
        return sum(self._numbers[1::WIDTH]) < self._longest

    def others_first(self, since: float) -> bool:
        """See Common."""
        numbers, first, who = self._numbers, since, -1
        for at in range(0, len(numbers), WIDTH):
            if at != self._at and numbers[at + 1] and numbers[at + 2] < first:
                first, who = numbers[at + 2], at
        if who < 0:
            return False
        self.turned_back = True
        self._ring(who // WIDTH + 1)
        return True

    def tell(self, in_flight: int, waiting: int, since: float) -> None:
        """See Common."""
        numbers, at = self._numbers, self._at
        numbers[at], numbers[at + 2], before = in_flight, since, numbers[at + 1]
        numbers[at + 1] = waiting
        if bool(before) != bool(waiting):
            self._waits(self, bool(waiting))

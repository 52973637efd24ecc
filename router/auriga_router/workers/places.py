"""The places of one worker at Models that are limited for all together, and who waits there: they look when told to.

A worker where a request ends tells the one where somebody waits for longest, by a byte in a pipe. Should that get lost,
or that worker hang, whoever else waits looks by itself after a moment.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

from auriga_router.ports import Clock
from auriga_router.slots import Slots
from auriga_router.workers.group import Seat
from auriga_router.workers.place import Place

_LOOK: Final = 0.1
"""Seconds after which those that wait look by themselves."""
_BYTES: Final = 4096


class Places:
    """Of one worker."""

    def __init__(self, seat: Seat, now: Clock) -> None:
        self._group, self._worker = seat
        self._now = now
        self._waiting: dict[Slots, Place] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Listen to the other workers."""
        asyncio.get_running_loop().add_reader(self._group.heard(self._worker), self._told)

    def close(self) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(self._group.heard(self._worker))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def of(self, slots: Slots) -> Place:
        """The place of this worker's requests for a Model."""
        return Place(slots, self._group.places.of(slots.model), self._worker, self._group.ring, self._waits)

    def _waits(self, place: Place, waits: bool) -> None:
        if not waits:
            self._waiting.pop(place.slots, None)
            return
        self._waiting[place.slots] = place
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _told(self) -> None:
        os.read(self._group.heard(self._worker), _BYTES)
        self._call(overdue=False)

    def _look(self) -> None:
        self._timer = None
        self._call(overdue=True)
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _call(self, *, overdue: bool) -> None:
        for place in list(self._waiting.values()):
            if place.turned_back:
                place.turned_back = False  # and true again if it is so again
                place.slots.call(self._now(), overdue=overdue)

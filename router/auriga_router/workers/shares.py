"""What of a Model's limits is this process's, where several processes are one router. Pure."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from typing import Final

from auriga_router.slots import Slots
from auriga_router.workers.place import Place

Moments = Callable[[str], MutableSequence[float]]
"""Gives the state of a Model's limits per minute (see ``routing.pace``), which all processes have in common."""
PlaceOf = Callable[[Slots], Place]
"""Gives this process's place among the requests of all for a Model."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Of one worker: its number, from 1, and how many there are."""

    worker: int = 1
    count: int = 1
    moments: Moments | None = None
    place: PlaceOf | None = None

    def of(self, limit: int) -> int:
        """Its part of a number of requests: the parts add up to it, but nobody has less than one of what there is."""
        part, rest = divmod(limit, self.count)
        return max(min(limit, 1), part + (self.worker <= rest))


ALONE: Final = Shares()
"""Everything."""

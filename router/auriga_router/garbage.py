"""When Python looks for garbage: often among what is young, never through ten thousand Models.

Nearly everything is freed when the last reference to it goes. The collector is for cycles, and a full collection looks
through all there is: with 10,000 Models for 50 to 90 ms, in which no stream flows. So none happens by itself. What the
world consists of is set aside (``gc.freeze``), and the little that is left is looked through once in a while.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final

_YOUNG: Final = (700, 3)
"""Objects made until the youngest are looked through, and how often that is done until the next older ones are, too."""
_NEVER: Final = 1 << 30
_MANY: Final = 500
"""Models and RoleChains, new or changed, that are worth setting aside."""
_SECONDS: Final = 300.0


class Garbage:
    """The collector of this process, on a long lead."""

    def __init__(self) -> None:
        gc.set_threshold(*_YOUNG, _NEVER)
        self._grown = 0

    def settle(self) -> None:
        """The world is there for the first time, and nobody waits yet."""
        gc.collect()
        gc.freeze()

    def grew(self, resources: int) -> None:
        """So many Models and RoleChains have come, or become others."""
        self._grown += resources
        if self._grown >= _MANY:
            self._grown = 0
            gc.collect(1)  # what is set aside as garbage stays for ever
            gc.freeze()

    async def run(self) -> None:
        """Look through what was not set aside, until cancelled."""
        while True:
            await asyncio.sleep(_SECONDS)
            gc.collect()

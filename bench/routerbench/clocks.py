"""What a slice used of the machine: readings before and after it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from routerbench import procfs
from routerbench.arena import Arena, Contestant
from routerbench.samples import DIRECT


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds: the wall's, the CPU time of the router and of the mock, and how long their cores were not idle."""

    wall: float
    router: float
    mock: float
    router_core: float
    load_core: float

    @classmethod
    def read(cls, arena: Arena, contestant: Contestant) -> Clocks:
        mock = procfs.cpu_seconds(arena.upstream.pid)
        router = 0.0 if contestant.name == DIRECT else procfs.cpu_seconds(contestant.pid)
        wall = time.monotonic()
        return cls(wall, router, mock, *(wall - procfs.idle_seconds(core) for core in arena.cores))

    def since(self, before: Clocks) -> Clocks:
        return Clocks(
            self.wall - before.wall, self.router - before.router, self.mock - before.mock,
            self.router_core - before.router_core, self.load_core - before.load_core,
        )  # fmt: skip

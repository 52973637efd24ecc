"""What is measured, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DIRECT = "direct"
"""The program's name in samples without any router in between."""

Metric = Literal[
    "rate",
    "p50",
    "p99",
    "first_p50",
    "first_p99",
    "cpu",
    "busy",
    "foreign",
    "foreign_load",
    "reconnects",
    "per_cpu_second",
    "disturbance",
]
MemoryMetric = Literal["idle", "per_thousand", "after"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One slice: a load on a program, in a turn of a round.

    Percentiles in milliseconds, to the last byte and to the first byte of the body.
    """

    program: str
    scenario: str
    round: int
    turn: int
    rate: float
    """Right answers a second."""
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    cpu: float
    """Microseconds of the program's CPU time an answer; 0 without a program in between."""
    busy: float
    """Share of its core that the program used."""
    foreign: float
    """Share of the program's core that others used: neighbours on the machine, interrupts, the hypervisor."""
    foreign_load: float
    """The same of the core of load generator and mock."""
    reconnects: int

    @property
    def per_cpu_second(self) -> float:
        return 1e6 / self.cpu if self.cpu else 0.0

    @property
    def disturbance(self) -> float:
        """The larger share of the two cores that others used; without a program only the load's core matters."""
        return max(0.0 if self.program == DIRECT else self.foreign, self.foreign_load)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB of a program in one round: asked once; with `streams` open; after all loads of the round."""

    program: str
    round: int
    idle: float
    held: float
    streams: int
    after: float

    @property
    def per_thousand(self) -> float:
        """MiB more for 1,000 open streams."""
        return (self.held - self.idle) * 1000 / self.streams


@dataclass(frozen=True, slots=True)
class WrkRate:
    """Small JSON requests a second over 32 connections, by wrk."""

    program: str
    round: int
    rate: float


@dataclass(frozen=True, slots=True)
class Results:
    """All of one run."""

    samples: tuple[Sample, ...]
    memory: tuple[Memory, ...]
    wrk: tuple[WrkRate, ...]

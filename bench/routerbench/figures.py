"""Arithmetic over the samples of a run: medians, spreads, what a program adds to the direct way. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from routerbench.samples import DIRECT, Memory, MemoryMetric, Metric, Results, Sample

CALM = 0.1
"""A sample in which others used more than this share of a core counts only where there is no calmer one."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


class Figures:
    """Questions to the results of one run."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def programs(self) -> list[str]:
        """In the order of measurement of the first round; the direct way first."""
        return list(dict.fromkeys(sample.program for sample in self._results.samples))

    def spread(self, program: str, scenario: str, metric: Metric) -> Spread:
        return Spread.of(_value(sample, metric) for sample in self._samples(program, scenario))

    def added(self, program: str, scenario: str, metric: Metric) -> Spread:
        """What the program adds to the median of the direct way."""
        direct = self.spread(DIRECT, scenario, metric).median
        return Spread.of(_value(sample, metric) - direct for sample in self._samples(program, scenario))

    def ratio(self, program: str, other: str, scenario: str, metric: Metric) -> float:
        """The program's median over the other's; 0 where the other has none."""
        divisor = self.spread(other, scenario, metric).median
        return self.spread(program, scenario, metric).median / divisor if divisor else 0.0

    def memory(self, program: str, metric: MemoryMetric) -> Spread:
        return Spread.of(_value(memory, metric) for memory in self._results.memory if memory.program == program)

    def wrk(self, program: str) -> Spread:
        return Spread.of(measured.rate for measured in self._results.wrk if measured.program == program)

    def worst(self, program: str, metric: Metric) -> float:
        """The highest value among what counts of all scenarios."""
        counted = [self._samples(program, scenario) for scenario in self._scenarios()]
        return max(_value(sample, metric) for samples in counted for sample in samples)

    def left_out(self, program: str) -> int:
        """How many samples do not count, because others disturbed them."""
        counted = sum(len(self._samples(program, scenario)) for scenario in self._scenarios())
        return sum(sample.program == program for sample in self._results.samples) - counted

    def _scenarios(self) -> list[str]:
        return list(dict.fromkeys(sample.scenario for sample in self._results.samples))

    def _samples(self, program: str, scenario: str) -> Sequence[Sample]:
        """The calm rounds; all of them when none was calm."""
        every = [sample for sample in self._results.samples if (sample.program, sample.scenario) == (program, scenario)]
        return [sample for sample in every if sample.disturbance <= CALM] or every


def _value(measured: Sample | Memory, metric: Metric | MemoryMetric) -> float:
    return float(getattr(measured, metric))

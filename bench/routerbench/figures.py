"""Arithmetic over the samples of a run: medians, spreads, and pairs of slices that are compared. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from routerbench.samples import Memory, MemoryMetric, Metric, Results, Sample

CALM = 0.1
"""A sample in which others used more than this share of a core counts only where there is no calmer one."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, and the quartiles: half of the values are between `low` and `high`."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        found = list(values)
        if len(found) < 2:
            return cls(found[0], found[0], found[0])
        low, median, high = statistics.quantiles(found, n=4, method="inclusive")
        return cls(median, low, high)


class Figures:
    """Questions to the results of one run."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def programs(self) -> list[str]:
        """In the order of measurement of the first round; the direct way first."""
        return list(dict.fromkeys(sample.program for sample in self._results.samples))

    def spread(self, program: str, scenario: str, metric: Metric) -> Spread:
        return Spread.of(_value(sample, metric) for sample in self._samples(program, scenario))

    def over(self, program: str, other: str, scenario: str, metric: Metric) -> Spread:
        """By how much the program's figure is over the other's, of two slices of the same turn each time."""
        return Spread.of(own - others for own, others in self._pairs(program, other, scenario, metric))

    def ratio(self, program: str, other: str, scenario: str, metric: Metric) -> Spread:
        """The program's figure over the other's, of two slices of the same turn each time."""
        return Spread.of(own / others for own, others in self._pairs(program, other, scenario, metric))

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
        """The calm slices; all of them when none was calm."""
        every = self._every(program, scenario)
        return [sample for sample in every if sample.disturbance <= CALM] or every

    def _pairs(self, program: str, other: str, scenario: str, metric: Metric) -> Iterator[tuple[float, float]]:
        """The figures of both in each turn that both had a slice in: the calm pairs, or all when none was calm."""
        theirs = {(sample.round, sample.turn): sample for sample in self._every(other, scenario)}
        own = [sample for sample in self._every(program, scenario) if (sample.round, sample.turn) in theirs]
        every = [(sample, theirs[sample.round, sample.turn]) for sample in own]
        calm = [pair for pair in every if max(sample.disturbance for sample in pair) <= CALM]
        for first, second in calm or every:
            yield _value(first, metric), _value(second, metric)

    def _every(self, program: str, scenario: str) -> list[Sample]:
        return [sample for sample in self._results.samples if (sample.program, sample.scenario) == (program, scenario)]


def _value(measured: Sample | Memory, metric: Metric | MemoryMetric) -> float:
    return float(getattr(measured, metric))

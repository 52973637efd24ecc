"""Arithmetic over the samples of a run: medians, spreads, and pairs of slices that are compared. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from routerbench.samples import Memory, MemoryMetric, Metric, Results, Sample

T = TypeVar("T")
CALM = 0.1
"""A slice in which others used more than this share of a core counts only among the calmer half."""


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
        return _calm([(sample.disturbance, sample) for sample in self._every(program, scenario)])

    def _pairs(self, program: str, name: str, scenario: str, metric: Metric) -> Iterator[tuple[float, float]]:
        """The figures of both in each turn that both had a slice in."""
        theirs = {(sample.round, sample.turn): sample for sample in self._every(name, scenario)}
        own = [sample for sample in self._every(program, scenario) if (sample.round, sample.turn) in theirs]
        pairs = [(sample, theirs[sample.round, sample.turn]) for sample in own]
        for first, second in _calm([(max(one.disturbance, other.disturbance), (one, other)) for one, other in pairs]):
            yield _value(first, metric), _value(second, metric)

    def _every(self, program: str, scenario: str) -> list[Sample]:
        return [sample for sample in self._results.samples if (sample.program, sample.scenario) == (program, scenario)]


def _calm(disturbed: Sequence[tuple[float, T]]) -> list[T]:
    """What was not disturbed, and in any case the calmer half: a spread of one or two values would look certain."""
    calmest_first = sorted(disturbed, key=lambda each: each[0])
    enough = (len(calmest_first) + 1) // 2
    return [item for rank, (share, item) in enumerate(calmest_first) if rank < enough or share <= CALM]


def _value(measured: Sample | Memory, metric: Metric | MemoryMetric) -> float:
    return float(getattr(measured, metric))

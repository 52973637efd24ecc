"""Metrics as rows: labels, and a number or a histogram. So they can be added up, and written a few at a time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate
from operator import add
from typing import Final, Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from auriga_router.tally import SECONDS, Histogram

Labels = tuple[str, ...]
Value = float | list[float]
"""A number; or of a histogram the sum of what was measured, and how often it was within each bound."""
Row = tuple[Labels, Value]
View = TypeVar("View")
Rows = Iterator[Row | None]
"""None: something was looked at that has nothing to tell."""

_BOUNDS: Final = (*(str(bound) for bound in SECONDS), "+Inf")
_LINES: Final = 48
"""That are written at a time: half a millisecond."""
_LOOKED_AT: Final = 256
"""Things that are looked at at a time, where most have nothing to tell."""


class Kind(Enum):
    """What a metric is to Prometheus."""

    COUNTER = auto()
    GAUGE = auto()
    HISTOGRAM = auto()


@dataclass(frozen=True, slots=True)
class Family(Generic[View]):
    """One metric: its name, what it is about, and how its rows are read."""

    name: str
    about: str
    labels: Labels
    kind: Kind
    rows: Callable[[View], Rows]
    together: Callable[[float, float], float] = add
    """How the numbers of two processes become one."""

    @property
    def at_a_time(self) -> int:
        """Rows that are written in one go."""
        return _LINES // (len(_BOUNDS) + 2) + 1 if self.kind is Kind.HISTOGRAM else _LINES

    @property
    def is_counted(self) -> bool:
        """Does it remain true of a process that is gone? What it has counted does, how things stood there does not."""
        return self.kind is not Kind.GAUGE

    def metric(self, rows: Iterable[Row]) -> Metric:
        """As prometheus_client writes it."""
        if self.kind is Kind.HISTOGRAM:
            times = HistogramMetricFamily(self.name, self.about, labels=self.labels)
            for labels, (total, *counts) in rows:  # type: ignore[misc]  # a histogram's rows are lists
                times.add_metric(labels, list(zip(_BOUNDS, accumulate(counts), strict=True)), total)
            return times
        new = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        numbers: CounterMetricFamily | GaugeMetricFamily = new(self.name, self.about, labels=self.labels)
        for labels, number in rows:
            numbers.add_metric(labels, number)  # type: ignore[arg-type]  # and those of others are numbers
        return numbers


def times(labels: Labels, histogram: Histogram) -> Row | None:
    """The row of a histogram; None if nothing was measured."""
    return (labels, [histogram.total, *histogram.counts]) if histogram.counts else None


def batches(rows: Iterable[Row | None], most: int) -> Iterator[list[Row]]:
    """So many rows at a time, or fewer, also none; at least once."""
    few: list[Row] = []
    looked_at = 0
    for row in rows:
        looked_at += 1
        if row is not None:
            few.append(row)
        if len(few) >= most or looked_at >= _LOOKED_AT:
            yield few
            few, looked_at = [], 0
    yield few


def metrics(families: Iterable[Family[View]], view: View) -> Iterator[Metric]:
    """All of them in pieces, each as it is when that is asked for; at least one of each."""
    for family in families:
        for rows in batches(family.rows(view), family.at_a_time):
            yield family.metric(rows)

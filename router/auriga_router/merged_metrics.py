"""The metrics of several workers as those of one router. Pure.

Counters, histograms and most gauges are added up. What a worker has counted and told is never taken back: while it
cannot be asked, and after it has died, what it told last counts on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import orjson
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and labels."""

_COUNTED = frozenset({"counter", "histogram"})
_RULES: Mapping[str, Callable[[float, float], float]] = {"auriga_endpoint_open": min}
"""How two workers' values of a series become one, where that is not their sum. A breaker that is closed may only not
know yet: one that is open has seen failures."""


@dataclass(slots=True)
class Family:
    """One metric with all its series."""

    name: str
    text: str
    kind: str
    samples: dict[Series, float] = field(default_factory=dict)

    def put(self, other: Family) -> None:
        """Put another worker's values in."""
        rule = _RULES.get(self.name, _sum)
        for series, value in other.samples.items():
            known = self.samples.get(series)
            self.samples[series] = value if known is None else rule(known, value)


def _sum(one: float, other: float) -> float:
    return one + other


Page = Mapping[str, Family]
"""All metrics, by name."""


def page(metrics: Iterable[Metric]) -> Page:
    """What prometheus_client collects, without empty families."""
    families = [
        Family(each.name, each.documentation, each.type, {_series(s.name, s.labels): s.value for s in each.samples})
        for each in metrics
    ]
    return {each.name: each for each in families if each.samples}


def summed(pages: Iterable[Page]) -> Page:
    """One page for all. Of a text that differs the first counts."""
    total: dict[str, Family] = {}
    for each in pages:
        for name, family in each.items():
            total.setdefault(name, Family(name, family.text, family.kind)).put(family)
    return total


def counted(told: Page) -> Page:
    """What remains true of a worker that is gone: what it has counted, but not how things stood."""
    return {name: family for name, family in told.items() if family.kind in _COUNTED}


def metrics(told: Page) -> Iterable[Metric]:
    """For prometheus_client."""
    for family in told.values():
        metric = Metric(family.name, family.text, family.kind)
        for (name, labels), value in family.samples.items():
            metric.add_sample(name, dict(labels), value)
        yield metric


def workers(up: Mapping[int, bool], restarts: Mapping[int, int]) -> Iterable[Metric]:
    """The workers themselves."""
    reached = GaugeMetricFamily(
        "auriga_worker_up",
        "1 if this worker's numbers of now are in here; 0: what it has counted is.",
        labels=("worker",),
    )
    started = CounterMetricFamily(
        "auriga_worker_restarts", "Starts of a worker after it had ended.", labels=("worker",)
    )
    for number, is_up in up.items():
        reached.add_metric((str(number),), is_up)
        started.add_metric((str(number),), restarts[number])
    return reached, started


def write(told: Page) -> bytes:
    """For another worker."""
    return orjson.dumps(
        [
            (each.name, each.text, each.kind, list(zip(each.samples, each.samples.values(), strict=True)))
            for each in told.values()
        ]
    )


def read(data: bytes) -> Page:
    """The other way; nothing is a page without metrics. Raises ValueError."""
    families = orjson.loads(data) if data else []
    return {
        name: Family(
            name, text, kind, {(series, tuple(map(tuple, labels))): value for (series, labels), value in samples}
        )
        for name, text, kind, samples in families
    }


def _series(name: str, labels: Mapping[str, str]) -> Series:
    return name, tuple(labels.items())

"""The metrics of several workers as those of one router. Pure: pages in, a page out.

Counters, histograms and most gauges are added up. What a worker has counted and told is never taken back: while it
cannot be asked, and after it has died, what it told last counts on.

Pages are read by hand, because they are our own: no comments but ``HELP`` and ``TYPE``, no timestamps. The client
library's parser takes ten times as long, and of 10,000 Models there are 200,000 lines from each worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.utils import floatToGoString

_COUNTED = frozenset({"counter", "histogram"})
_RULES: Mapping[str, Callable[[float, float], float]] = {"auriga_endpoint_open": min}
"""How two workers' values of a series become one, where that is not their sum. A breaker that is closed may only not
know yet: one that is open has seen failures."""


@dataclass(slots=True)
class Family:
    """One metric with all its series, each as it is written."""

    head: str
    kind: str
    samples: dict[str, float] = field(default_factory=dict)

    def put(self, other: Family, rule: Callable[[float, float], float]) -> None:
        """Put another worker's values in."""
        for series, value in other.samples.items():
            known = self.samples.get(series)
            self.samples[series] = value if known is None else rule(known, value)


Page = Mapping[str, Family]
"""All metrics, by name."""


def read(text: bytes) -> Page:
    """What ``metrics.exposition`` has written."""
    page: dict[str, Family] = {}
    family, about = Family("", ""), ""
    for line in text.decode().split("\n"):
        if line.startswith("# HELP "):
            about = line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            family = page[name] = Family(f"{about}\n{line}\n", kind)
        elif line:
            series, _, value = line.rpartition(" ")
            family.samples[series] = float(value)
    return page


def write(page: Page) -> bytes:
    """The other way."""
    return "".join(
        family.head + "".join(f"{series} {_number(value)}\n" for series, value in family.samples.items())
        for family in page.values()
    ).encode()


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # prometheus_client's own way of writing them


def summed(pages: Iterable[Page]) -> Page:
    """One page for all. Of a text that differs the first counts."""
    total: dict[str, Family] = {}
    for page in pages:
        for name, family in page.items():
            total.setdefault(name, Family(family.head, family.kind)).put(family, _RULES.get(name, _sum))
    return total


def counted(page: Page) -> Page:
    """What remains true of a worker that is gone: what it has counted, but not how things stood."""
    return {name: family for name, family in page.items() if family.kind in _COUNTED}


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


def _sum(one: float, other: float) -> float:
    return one + other

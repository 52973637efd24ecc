"""The metrics of several workers as those of one router. Pure: rows in, metrics out, a few at a time.

Counters, histograms and most gauges are added up. What a worker has counted and told is never taken back: while it
cannot be asked, and after it has died, what it told last counts on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from auriga_router.families import Family, Labels, Row, Value, batches
from auriga_router.metrics import FAMILIES, View
from auriga_router.steps import freed
from auriga_router.workers.lines import Line, write

_ROWS: Final = 64
"""In a line."""
_BY_NAME: Final[Mapping[str, Family[View]]] = {family.name: family for family in FAMILIES}


def told(view: View) -> Iterator[bytes]:
    """What one worker has to tell."""
    for family in FAMILIES:
        for rows in batches(family.rows(view), _ROWS):
            yield write(family.name, rows)


class Sums:
    """What workers have told, added up."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Labels, Value]] = {name: {} for name in _BY_NAME}

    def add(self, line: Line, *, gone: bool = False) -> None:
        """Put a line in. ``gone``: of a worker that cannot be asked any more."""
        family = _BY_NAME[line.name]
        if gone and not family.is_counted:
            return
        rows = self._rows[line.name]
        for names, value in line.rows:
            labels = tuple(names)
            known = rows.get(labels)
            rows[labels] = value if known is None else _together(known, value, family.together)

    def collect(self) -> Iterator[Metric]:
        """All metrics in pieces. What is written is forgotten."""
        for family in FAMILIES:
            for rows in batches(self._taken(family.name), family.at_a_time):
                yield family.metric(rows)

    def lines(self) -> Iterator[bytes]:
        """The same as one worker would tell it."""
        for family in FAMILIES:
            for rows in batches(self._taken(family.name), _ROWS):
                yield write(family.name, rows)

    def let_go(self) -> Iterator[None]:
        """Forget what is left, in steps: to free all of it at once takes too long."""
        for rows in self._rows.values():
            yield from freed(rows)

    def _taken(self, name: str) -> Iterator[Row]:
        rows = self._rows[name]
        while rows:
            yield rows.popitem()


def _together(one: Value, other: Value, add: Callable[[float, float], float]) -> Value:
    if isinstance(one, list) and isinstance(other, list):
        return list(map(add, one, other))
    return add(one, other)  # type: ignore[arg-type]  # rows of one family are alike


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

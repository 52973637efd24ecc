"""Prometheus' text format, a piece of a metric at a time: what is done in one go, requests wait for. Pure.

A line takes prometheus_client about ten microseconds, and of ten thousand Models there are half a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode("ascii")
_SAMPLES: Final = 48
"""Lines that are written at a time: half a millisecond."""
_LOOKED_AT: Final = 256
"""Things that are looked at at a time, where most have nothing to tell."""
_HEAD: Final = 2
"""Lines before the samples: HELP and TYPE, in which a line break is escaped."""
_Family = TypeVar("_Family", bound=Metric)
_Thing = TypeVar("_Thing")


class _Collected(Collector):
    """Of one metric, or a piece of one."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return (self._metric,)


def pieces(
    new: Callable[[], _Family], things: Iterable[_Thing], add: Callable[[_Family, _Thing], None]
) -> Iterator[_Family]:
    """A metric of many things in pieces; at least one. ``add`` adds what one of them has to tell, which stays whole."""
    family = new()
    for looked_at, thing in enumerate(things, 1):
        add(family, thing)
        if len(family.samples) >= _SAMPLES or not looked_at % _LOOKED_AT:
            yield family
            family = new()
    yield family


def in_steps(metrics: Iterable[Metric]) -> Iterator[bytes]:
    """The page. Pieces of one metric follow each other; one without samples, too, is a moment to do something else."""
    name = ""
    for metric in metrics:
        text = generate_latest(_Collected(metric))
        yield text if metric.name != name else text.split(b"\n", _HEAD)[_HEAD]
        name = metric.name


def exposition(metrics: Iterable[Metric]) -> bytes:
    """The page at once."""
    return b"".join(in_steps(metrics))

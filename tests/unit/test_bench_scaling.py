"""The replay that compares ways to count replicas: what it simulates, and what it says of KubeAI's way."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "scaling"
MODULES = ("loads", "replicas", "kubeai", "auriga")


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of bench/scaling, which is no package."""
    sys.path.insert(0, str(BENCH))
    found: dict[str, ModuleType] = {name: importlib.import_module(name) for name in MODULES}
    yield SimpleNamespace(**found)
    sys.path.remove(str(BENCH))
    for name in MODULES:
        del sys.modules[name]


def trace(bench: SimpleNamespace, *requests: tuple[float, float], seconds: float) -> object:
    arrivals = tuple(bench.loads.Arrival(at, work) for at, work in requests)
    return bench.loads.Trace("test", "test", seconds, arrivals)


def test_requests_wait_for_a_start_and_then_for_a_slot(bench: SimpleNamespace) -> None:
    load = trace(bench, (0.0, 5.0), (0.0, 5.0), seconds=40)
    outcome = bench.replicas.replay(load, lambda now, seen, there: 1, slots=1, start_seconds=20)
    assert outcome.waited == pytest.approx((20.0, 25.0), abs=0.11)
    assert outcome.paid == pytest.approx(40, abs=0.2)


def test_a_replica_that_leaves_finishes_what_it_began(bench: SimpleNamespace) -> None:
    load = trace(bench, (0.0, 10.0), seconds=30)
    outcome = bench.replicas.replay(load, lambda now, seen, there: int(now < 2), slots=1, start_seconds=1)
    assert len(outcome.waited) == 1
    assert outcome.paid == pytest.approx(11, abs=0.3), "a second to start, ten to work"


def test_the_same_seed_is_the_same_load(bench: SimpleNamespace) -> None:
    assert bench.loads.traces(3) == bench.loads.traces(3)
    assert bench.loads.traces(3) != bench.loads.traces(4)


def test_kubeai_takes_minutes_for_what_we_take_seconds(bench: SimpleNamespace) -> None:
    """The mean of ten minutes over 32 requests in flight is 28.1 or more, which asks for 8, at the 53rd look."""
    kubeai, seen = bench.kubeai.KubeAI(0, 8, 4), bench.replicas.Seen(32, 0, 32, 1)
    there, after = 0, None
    for second in range(600):
        there = kubeai(float(second), seen, there)
        if there == 8 and after is None:
            after = second
    assert after == 520
    ours = bench.auriga.Auriga(0, 8, 4, idle="15m")
    assert ours(0.0, seen, 0) == 8


def test_kubeai_lowers_after_three_looks(bench: SimpleNamespace) -> None:
    kubeai, idle = bench.kubeai.KubeAI(0, 8, 4), bench.replicas.Seen(0, 0, 0, 2)
    there, when = 2, None
    for second in range(100):
        there = kubeai(float(second), idle, there)
        if there == 0 and when is None:
            when = second
    assert when == 20

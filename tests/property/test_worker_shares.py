"""Limits of several workers: numbers are shared out whole, and moments are the same to all of them."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from auriga_router.routing.pace import Pace
from auriga_router.workers.group import scratch
from auriga_router.workers.moments import Moments
from auriga_router.workers.shares import ALONE, Shares


@given(limit=st.integers(0, 1000), count=st.integers(1, 64))
def test_parts_add_up_to_the_limit_and_are_alike(limit: int, count: int) -> None:
    parts = [Shares(worker, count).of(limit) for worker in range(1, count + 1)]
    assert sum(parts) == (max(limit, count) if limit else 0)
    assert max(parts) - min(parts) <= 1


def test_alone_it_is_all_ones_own() -> None:
    assert ALONE.of(7) == 7


@given(names=st.lists(st.text(max_size=5), max_size=8, unique=True))
def test_each_name_has_its_own_moments_and_keeps_them(names: list[str]) -> None:
    moments = Moments(scratch(), most=8)
    for number, name in enumerate(names):
        moments.of(name)[0], moments.of(name)[1] = number, -number
    assert [tuple(moments.of(name)) for name in names] == [(number, -number) for number in range(len(names))]


def test_names_that_are_too_many_are_each_process_own() -> None:
    moments = Moments(scratch(), most=1)
    moments.of("one")[0] = 5.0
    moments.of("two")[0] = 6.0
    assert (moments.of("one")[0], moments.of("two")[0]) == (5.0, 0.0)


def test_what_another_process_lets_through_counts() -> None:
    moments = Moments(scratch())
    pace = Pace(until=moments.of("default/m"))
    pace.limit(2, 100)
    child = os.fork()
    if not child:
        mine = Pace(until=moments.of("default/m"))
        mine.limit(2, 100)
        mine.take(1000.0)
        mine.spend(150, 1000.0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    alone = Pace()
    alone.limit(2, 100)
    alone.take(1000.0)
    alone.spend(150, 1000.0)
    assert pace.wait(1000.0) == alone.wait(1000.0) > 0

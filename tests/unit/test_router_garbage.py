"""When the router's process looks for garbage: never through the world by itself."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator

import pytest

from auriga_router import garbage
from auriga_router.garbage import Garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Cycle:
    """Freed by the collector alone."""

    freed = 0

    def __init__(self, on_freed: Callable[[], None] = lambda: None) -> None:
        self._itself = self
        self._on_freed = on_freed

    def __del__(self) -> None:
        Cycle.freed += 1
        self._on_freed()


def test_no_full_collection_happens_by_itself() -> None:
    Garbage().settle()
    before = gc.get_stats()[2]["collections"]
    kept = [[number] for number in range(200_000)]
    assert gc.get_stats()[2]["collections"] == before
    assert gc.get_stats()[1]["collections"] > 0
    assert len(kept) == 200_000


def test_what_is_young_is_still_looked_through() -> None:
    Garbage().settle()
    freed = Cycle.freed
    for _ in range(5000):
        Cycle()
    assert Cycle.freed - freed > 4000


def test_the_world_is_set_aside_when_much_of_it_has_come() -> None:
    keeper = Garbage()
    keeper.settle()
    kept = [[number] for number in range(1000)]
    frozen = gc.get_freeze_count()
    keeper.grew(garbage._MANY - 1)
    assert gc.get_freeze_count() <= frozen
    keeper.grew(1)
    assert gc.get_freeze_count() >= frozen + len(kept)
    settled = gc.get_freeze_count()
    keeper.grew(1)
    assert gc.get_freeze_count() <= settled, "counted from zero again"


async def test_what_is_left_is_looked_through_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_SECONDS", 0.0)
    gc.disable()
    try:
        looks, freed = asyncio.create_task(Garbage().run()), asyncio.Event()
        Cycle(freed.set)
        async with asyncio.timeout(20):
            await freed.wait()
        looks.cancel()
    finally:
        gc.enable()

"""The load as local mode follows it: when it looks, and as of when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from auriga_api.load import LoadReport, ModelLoad
from auriga_cli.local.loads import Loads


class Router:
    """Tells what it is given."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self.reports: list[LoadReport] = []
        self.behind = 0
        self.closed = False

    def follow(self, on_change: Callable[[], None]) -> Router:
        self.on_change = on_change
        return self

    def tells(self, *, full: bool = False, **models: ModelLoad | None) -> None:
        self.reports.append(LoadReport("r", dict(models), full))

    def take(self) -> LoadReport:
        return self.reports.pop(0) if self.reports else LoadReport("r")

    def close(self) -> None:
        self.closed = True


async def test_what_changes_is_added_to_what_is_known() -> None:
    router = Router()
    loads = Loads(router.follow, lambda: None)
    router.tells(full=True, a=ModelLoad(requests=1), b=ModelLoad(requests=2))
    router.tells(a=ModelLoad(requests=3))
    assert {key: each.requests for key, each in loads.take().items()} == {"a": 1, "b": 2}
    assert {key: each.requests for key, each in loads.take().items()} == {"a": 3, "b": 2}


async def test_idle_is_as_of_now() -> None:
    """Also for a Model of which there is nothing new: that is what idle means."""
    router = Router()
    loads = Loads(router.follow, lambda: None)
    router.tells(full=True, a=ModelLoad(requests=1, idle=2.0), b=ModelLoad())
    first = loads.take()["a"].idle
    await asyncio.sleep(0.01)
    later = loads.take()
    assert first == 2.0
    assert later["a"].idle is not None
    assert later["a"].idle >= 2.01
    assert later["b"].idle is None


async def test_a_change_wakes_once_until_it_is_taken() -> None:
    router, woken = Router(), asyncio.Event()
    loads = Loads(router.follow, woken.set)
    loads.take()
    router.on_change()
    router.on_change()
    await asyncio.wait_for(woken.wait(), 10)


async def test_what_was_a_peak_is_looked_at_again() -> None:
    router, woken = Router(), asyncio.Event()
    loads = Loads(router.follow, woken.set)
    router.behind = 1
    loads.take()
    await asyncio.wait_for(woken.wait(), 10)


async def test_where_nobody_has_autoscaling_any_more_nothing_is_followed() -> None:
    router = Router()
    loads = Loads(router.follow, lambda: None)
    router.tells(full=True, a=ModelLoad())
    loads.take()
    loads.close()
    assert router.closed
    router.tells(full=True, b=ModelLoad())
    assert loads.take().keys() == {"b"}


async def test_of_a_model_that_is_gone_nothing_is_kept() -> None:
    router = Router()
    loads = Loads(router.follow, lambda: None)
    router.tells(full=True, a=ModelLoad(idle=2.0), b=ModelLoad(idle=2.0))
    router.tells(a=None)
    loads.take()
    assert loads.take().keys() == loads.told_at.keys() == {"b"}

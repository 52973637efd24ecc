"""Following a resource through trouble: how long it waits, what it says, when it tells that all is well again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from auriga_operator import follow
from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.follow import Follower, Scope, Trouble
from auriga_operator.kube import Kube
from auriga_operator.resources import PODS

FORBIDDEN = ApiError(403, "Forbidden", "pods is forbidden: cannot watch")
AWAY = Unreachable("GET /api/v1/pods: connection refused")
GONE = ApiError(410, "Expired", "too old resource version")


class Silent:
    """A sink that counts how often it is told that the API server answers again."""

    def __init__(self) -> None:
        self.recoveries = 0

    def put(self, item: object) -> None: ...
    def remove(self, item: object) -> None: ...
    def keep(self, *about: object) -> None: ...

    def recovered(self) -> None:
        self.recoveries += 1


class Script:
    """An API server whose lists and watches end as written; when nothing is left, a watch goes on for ever."""

    def __init__(self, lists: list[Exception | None], watches: list[Exception]) -> None:
        self._lists, self._watches = lists, watches
        self.done = asyncio.Event()

    async def pages(self, *_: object, **__: object) -> AsyncIterator[tuple[list[Any], str]]:
        if self._lists and (error := self._lists.pop(0)):
            raise error
        yield [], "1"

    async def watch(self, *_: object, **__: object) -> AsyncIterator[tuple[str, Any]]:
        if self._watches:
            raise self._watches.pop(0)
        self.done.set()
        await asyncio.Event().wait()
        yield "BOOKMARK", {}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_FIRST_PAUSE", 0.001)


async def followed(script: Script) -> Silent:
    """What the sink was told once the script is over."""
    sink = Silent()
    task = asyncio.create_task(Follower(cast("Kube", script), Scope(PODS), sink, 600).run())
    async with asyncio.timeout(10):
        await script.done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return sink


def pauses(*errors: ApiError | Unreachable, held: float = 0.0) -> list[float]:
    trouble = Trouble()
    found = []
    for error in errors:
        trouble.after(error, held)
        found.append(round(trouble.pause / follow._FIRST_PAUSE))
    return found


def test_the_pause_grows_though_each_list_before_the_refused_watch_succeeds() -> None:
    assert pauses(*[FORBIDDEN] * 4) == [1, 2, 4, 8]
    assert pauses(*[AWAY] * 4, held=follow._LONGEST_PAUSE + 1) == [1, 1, 1, 1], "it was well in between"


def test_a_refusal_is_asked_less_often_than_a_server_that_is_away() -> None:
    refused, away = Trouble(), Trouble()
    for _ in range(30):
        refused.after(FORBIDDEN, 0)
        away.after(AWAY, 0)
    assert (refused.pause, away.pause) == (follow._LONGEST_REFUSAL, follow._LONGEST_PAUSE)


async def test_a_watch_that_is_forbidden_is_said_once_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "auriga_operator.follow")
    sink = await followed(Script([], [FORBIDDEN] * 5))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "grant list and watch" in caplog.text
    assert sink.recoveries == 0, "nothing was missed: each list succeeded"


async def test_a_server_that_comes_back_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "auriga_operator.follow")
    sink = await followed(Script([None, AWAY, AWAY, None], [AWAY]))
    assert sink.recoveries == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_version_that_is_too_old_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    sink = await followed(Script([], [GONE, GONE]))
    assert sink.recoveries == 0
    assert not caplog.records

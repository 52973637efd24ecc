"""The pages that several workers make together are made in steps, between which requests are served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

from auriga_router import exposition, status
from auriga_router.page import Answer
from auriga_router.router import Router
from auriga_router.snapshot import Snapshot
from auriga_router.workers import lines, merged_status
from auriga_router.workers.group import Group, Seat
from support.http_router import chain, model, snapshot

MODELS = 300
MOST = 3 * 64 + 51
"""Rows in one turn: what each of two workers tells or reads, and what the one that was asked writes."""
PAGES = (b"/metrics", b"/status", b"/readyz")
REPLIES = 'auriga_replies_total{gen_ai_request_model="role-m%d",namespace="default",status="200"} %d.0\n'


def world() -> Snapshot:
    names = [f"m{number}" for number in range(MODELS)]
    where = {name: f"10.0.{number // 250}.{number % 250}:80" for number, name in enumerate(names)}
    things: list[Any] = [*map(model, names), *(chain(f"role-{name}", name) for name in names)]
    return snapshot(*things, endpoints=where)


def asked(router: Router) -> None:
    """All of its Models have been asked, once more."""
    for each in router._front.table.all_chains:
        each.replies[200] = each.replies.get(200, 0) + 1
        for member in each.members:
            tally, slots = member.tally, member.backend.slots
            tally.outcomes[0] += 1
            slots.requests += 1
            for histogram in (tally.duration, tally.first_token, slots.waited):
                histogram.add(0.1)


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group(2)
    yield group
    group.close()


@asynccontextmanager
async def worker(group: Group, number: int) -> AsyncIterator[Router]:
    router = Router(seat=Seat(group, number))
    router.apply(world())
    await router.join()
    try:
        yield router
    finally:
        await router.close(0)


async def text(router: Router, path: bytes) -> str:
    page = await router._admin.long[path]()
    return b"".join((page.body, *page.more)).decode()


class Turns:
    """How many rows were made, read or written in one turn of the event loop."""

    def __init__(self) -> None:
        self.most = self.rows = self.all = 0
        self._task = asyncio.create_task(self._watch())

    def note(self, rows: int) -> None:
        self.rows += rows
        self.all += rows
        self.most = max(self.most, self.rows)

    async def _watch(self) -> None:
        while True:
            self.rows = 0
            await asyncio.sleep(0)

    def stop(self) -> None:
        self._task.cancel()


@pytest.fixture
async def turns(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Turns]:
    turns = Turns()

    def noted(function: Callable[..., Any], rows: Callable[[Any, Any], int]) -> Callable[..., Any]:
        def with_note(given: Any, **options: Any) -> Any:
            made = function(given, **options)
            turns.note(rows(given, made))
            return made

        return with_note

    def of_told(given: Any, made: Any) -> int:
        return len((given if isinstance(given, tuple) else made)[1])

    told = SimpleNamespace(
        dumps=noted(orjson.dumps, of_told),
        loads=noted(orjson.loads, of_told),
        OPT_APPEND_NEWLINE=orjson.OPT_APPEND_NEWLINE,
    )
    monkeypatch.setattr(lines, "orjson", told)
    one = SimpleNamespace(dumps=noted(orjson.dumps, lambda given, made: 1))
    monkeypatch.setattr(merged_status, "orjson", one)
    monkeypatch.setattr(status, "orjson", one)
    samples = noted(generate_latest, lambda given, made: made.count(b"\n") - 2)
    monkeypatch.setattr(exposition, "generate_latest", samples)
    yield turns
    turns.stop()


@pytest.mark.parametrize("path", PAGES)
async def test_no_turn_of_the_loop_does_much(group: Group, turns: Turns, path: bytes) -> None:
    async with worker(group, 1) as one, worker(group, 2) as other:
        asked(one)
        asked(other)
        told = await text(one, path)
        assert told.count("m299") >= 1
        assert turns.all > 3 * MODELS
        assert turns.most <= MOST


async def test_nor_does_one_that_takes_the_place_of_one_that_died(group: Group, turns: Turns) -> None:
    async with worker(group, 2) as other:
        async with worker(group, 1) as first:
            asked(first)
            assert REPLIES % (7, 1) in await text(other, b"/metrics")
        assert REPLIES % (7, 1) in await text(other, b"/metrics")
        async with worker(group, 1) as second:
            assert REPLIES % (7, 1) in await text(other, b"/metrics")
            asked(second)
            for router in (second, other, second):
                page = await text(router, b"/metrics")
                assert REPLIES % (7, 2) in page
                assert 'auriga_worker_up{worker="1"} 1.0' in page
        async with worker(group, 1) as third:
            asked(third)
            assert REPLIES % (7, 3) in await text(third, b"/metrics")
        assert turns.most <= MOST


async def test_two_that_are_asked_at_once_tell_the_same(group: Group) -> None:
    async with worker(group, 1) as one, worker(group, 2) as other:
        asked(one)
        asked(other)
        pages = await asyncio.gather(*(text(router, b"/metrics") for router in (one, other, one, other)))
        assert [set(page.splitlines()) for page in pages] == [set(pages[0].splitlines())] * 4
        assert [bytes(b"".join(group.kept(number)))[-2:] for number in (1, 2)] == [b"]\n"] * 2


async def test_who_leaves_ends_the_work_and_what_was_begun_is_let_go(group: Group) -> None:
    async with worker(group, 1) as one, worker(group, 2) as other:
        asked(one)
        asked(other)
        for turns in (1, 20, 60, 150):
            asking = asyncio.create_task(text(one, b"/metrics"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
            assert REPLIES % (7, 2) in await text(one, b"/metrics")


@asynccontextmanager
async def speaking(group: Group, number: int, said: bytes) -> AsyncIterator[None]:
    """A worker that says only this, to whoever asks."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_unix_server(say, str(group.path(number)))
    async with server:
        yield


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 404 \r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b'HTTP/1.1 200 OK\r\n\r\n["auriga_replies",[]]\n'],
    ids=["nothing", "no", "no line", "a line and no end"],
)
async def test_one_that_breaks_off_has_not_answered(group: Group, said: bytes) -> None:
    async with worker(group, 2) as other:
        async with worker(group, 1) as first:
            asked(first)
            await text(other, b"/metrics")
        async with speaking(group, 1, said):
            page = await text(other, b"/metrics")
            assert REPLIES % (7, 1) in page
            assert 'auriga_worker_up{worker="1"} 0.0' in page
            assert '"workers":{"1":"unreachable","2":"up"}' in await text(other, b"/status")
            assert '"workers":{"1":"unreachable","2":"ready"}' in await text(other, b"/readyz")


def test_what_is_kept_takes_the_place_of_what_was_in_the_end(group: Group) -> None:
    def kept() -> bytes:
        return b"".join(group.kept(1))

    assert kept() == b""
    for told in ([b"one", b"two" * 100_000], [b"", b"three"], []):
        before = kept()
        for _ in group.keep(1, told):
            assert kept() == before
        assert kept() == b"".join(told)
    assert b"".join(group.kept(2)) == b""


async def test_while_nothing_is_usable_it_is_not_ready(group: Group) -> None:
    async with worker(group, 1) as one, worker(group, 2) as other:
        page: Callable[[], Awaitable[Answer]] = one._admin.long[b"/readyz"]
        assert (await page()).status == 200
        for router in (one, other):
            router.apply(Snapshot())
        assert (await page()).status == 503

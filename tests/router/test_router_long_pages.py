"""Pages that grow with the number of Models are made in steps between which requests are served, and once for all who
ask meanwhile; a caller who leaves is not worked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from auriga_router.metrics import Metrics
from auriga_router.page import Answer, Page, answer, made
from auriga_router.status import status_document, status_steps
from auriga_router.steps import joined, ordered
from support.http_client import until
from support.http_router import Running, chain, model, routing, snapshot

MODELS = 150
PAGES = ("/metrics", "/status", "/v1/models")


def world() -> list[object]:
    return [*(model(f"m{n}") for n in range(MODELS)), *(chain(f"role-{n}", f"m{n}") for n in range(MODELS))]


@asynccontextmanager
async def many() -> AsyncIterator[Running]:
    """A router whose Models have all been asked."""
    where = {f"m{n}": f"127.0.0.1:{n + 1}" for n in range(MODELS)}
    async with routing(snapshot(*world(), endpoints=where)) as running:  # type: ignore[arg-type]
        for each in running.router._front.table.all_chains:
            (member,) = each.members
            member.tally.outcomes[0] += 1
            member.tally.duration.add(0.1)
            member.backend.slots.waited.add(0.1)
        yield running


class Turns:
    """How often others had their turn."""

    def __init__(self) -> None:
        self.number = 0
        self._task = asyncio.create_task(self._count())

    async def _count(self) -> None:
        while True:
            self.number += 1
            await asyncio.sleep(0)

    async def __aenter__(self) -> Turns:
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()


@pytest.mark.parametrize("path", PAGES)
async def test_others_have_their_turn_while_a_page_is_made(path: str) -> None:
    async with many() as running:
        page = running.router._admin.long[path.encode()]
        async with Turns() as turns:
            told = await page()
        assert turns.number > MODELS / 50
        assert len(told.body) + sum(map(len, told.more)) > 50 * MODELS


async def test_no_step_of_the_metrics_writes_much() -> None:
    async with many() as running:
        collected = list(running.router._metrics.collect())
        assert max(len(metric.samples) for metric in collected) < 100
        histograms = [metric for metric in collected if metric.name == "gen_ai_server_request_duration_seconds"]
        assert len(histograms) > 2 * MODELS * 17 / 100
        for piece in histograms:
            assert sum(sample.name.endswith("_sum") for sample in piece.samples) * 17 == len(piece.samples)


async def test_the_page_is_one_that_prometheus_reads() -> None:
    async with many() as running, httpx.AsyncClient(base_url=running.url) as client:
        reply = await client.get("/metrics")
        assert reply.headers["content-type"].startswith("text/plain; version=")
        families = list(text_string_to_metric_families(reply.text))
        names = [family.name for family in families]
        assert len(names) == len(set(names))
        assert reply.text.count("# TYPE auriga_attempts_total counter\n") == 1
        by_name = {family.name: family for family in families}
        assert len(by_name["auriga_attempts"].samples) == 2 * MODELS
        duration = by_name["gen_ai_server_request_duration_seconds"]
        assert (duration.type, len(duration.samples)) == ("histogram", 2 * MODELS * 17)
        assert by_name["auriga_replies"].samples == []
        head = await client.head("/metrics")
        assert (head.status_code, head.content) == (200, b"")
        assert abs(int(head.headers["content-length"]) - len(reply.content)) < 100  # connections
        assert (await client.post("/metrics")).status_code == 405


async def test_the_status_is_the_same_in_steps() -> None:
    async with many() as running:
        router = running.router
        table = router._front.table
        steps = b"".join(status_steps(table.snapshot, table, 5.0))
        assert json.loads(steps) == status_document(table.snapshot, table, 5.0)


async def test_who_asks_while_a_page_is_made_gets_the_same_and_who_asks_later_another() -> None:
    begun = 0
    go = asyncio.Event()

    async def make() -> Answer:
        nonlocal begun
        begun += 1
        await go.wait()
        return Answer(200, b"%d" % begun)

    page = Page(make)
    asking = [asyncio.create_task(page()) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.wait(asking[:1])
    go.set()
    assert [(await each).body for each in asking[1:]] == [b"1", b"1"]
    assert (await page()).body == b"2"


async def test_with_the_last_who_waits_the_work_ends_and_begins_anew() -> None:
    steps = 0

    def endless() -> Iterator[bytes]:
        nonlocal steps
        while True:
            steps += 1
            yield b"x"

    page = Page(lambda: answer(endless()))
    asking = [asyncio.create_task(page()) for _ in range(2)]
    await until(lambda: steps > 3)
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)
    for _ in range(3):  # turns, until the work has heard of it
        await asyncio.sleep(0)
    ended = steps
    for _ in range(10):
        await asyncio.sleep(0)
    assert steps == ended
    again = asyncio.create_task(page())
    await until(lambda: steps > ended)
    again.cancel()
    await asyncio.wait([again])


def broken() -> Iterator[bytes]:
    yield b"{"
    raise ValueError("broken")


async def test_a_page_that_fails_costs_its_own_request_only() -> None:
    async with many() as running, httpx.AsyncClient(base_url=running.url) as client:
        running.router._admin.long[b"/status"] = Page(lambda: answer(broken()))
        assert (await client.get("/status")).status_code == 500
        assert (await client.get("/healthz")).status_code == 200


async def test_a_client_that_leaves_ends_the_work() -> None:
    async with many() as running:
        page = running.router._admin.long[b"/metrics"]
        assert isinstance(page, Page)
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: page._making is not None)
        writer.transport.abort()
        await until(lambda: page._making is None)


async def test_long_lists_are_put_in_order_and_written_in_steps() -> None:
    numbers = [(7 * n) % 1009 for n in range(1009)]
    steps = list(ordered(numbers, lambda each: each, lambda each: each % 2 == 0))
    assert [each for each in steps if each is not None] == list(range(0, 1009, 2))
    assert steps.count(None) > 2
    for size in (0, 1, 31, 32, 33, 64, 100):
        written = [None, *(b"%d" % n for n in range(size)), None]
        assert json.loads(b"[" + b"".join(joined(written)) + b"]") == list(range(size))


async def test_long_pages_come_in_pieces() -> None:
    pieces = await made(iter([b"x" * 1000] * 300))
    assert b"".join(pieces) == b"x" * 300_000
    assert len(pieces) > 3


def test_metrics_of_nothing_still_say_what_there_is() -> None:
    from auriga_router.exposition import exposition
    from auriga_router.table import RoutingTable

    text = exposition(Metrics(RoutingTable, dict, lambda: 0, lambda: 0.0).collect()).decode()
    assert "# TYPE auriga_attempts_total counter\n" in text
    assert text.endswith("auriga_connections 0.0\n")

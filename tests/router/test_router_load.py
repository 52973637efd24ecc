"""``GET /load`` over sockets: who may read it, what it tells, and when it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from auriga_api.load import LoadReport, ModelLoad, merge, read_report
from auriga_router.settings import RouterSettings
from auriga_router.snapshot import Snapshot
from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, chain, model, routing, snapshot
from support.messages_scripts import KEYS, external
from support.upstreams import Upstream

TOKEN = "s3cret"
ONE = {"limits": {"maxInFlight": 1}}


class Follower:
    """Follows the load as the operator does."""

    def __init__(self) -> None:
        self.state: dict[str, ModelLoad] = {}
        self.reports: list[LoadReport] = []
        self.ended = False
        self._news = asyncio.Condition()

    async def read(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            report = read_report(line.encode())
            async with self._news:
                self.reports.append(report)
                self.state = merge(self.state, report)
                self._news.notify_all()
        self.ended = True

    async def until(self, model: str, wanted: Mapping[str, Any]) -> ModelLoad:
        def holds() -> bool:
            load = self.state.get(model, ModelLoad())
            return all(getattr(load, name) == value for name, value in wanted.items())

        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: bool(self.reports) and holds())
        return self.state.get(model, ModelLoad())


@asynccontextmanager
async def following(running: Running) -> AsyncIterator[Follower]:
    follower = Follower()
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"{running.url}/load", headers=headers) as response,
    ):
        assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
        task = asyncio.create_task(follower.read(response.aiter_lines()))
        try:
            yield follower
        finally:
            task.cancel()
            await asyncio.wait([task])


@pytest.fixture
def settings(tmp_path: Path) -> RouterSettings:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return RouterSettings(load_token_file=str(file))


class Held:
    """An endpoint that answers one request for each permit."""

    def __init__(self) -> None:
        self.permits = asyncio.Semaphore(0)
        self.upstream = Upstream(self._script)

    async def _script(self, visit: Any) -> None:
        await self.permits.acquire()
        await scripts.ok(visit)


@asynccontextmanager
async def held(settings: RouterSettings) -> AsyncIterator[tuple[Held, Running, Snapshot]]:
    """m1 of one slot, behind an endpoint that answers when it is told to."""
    endpoint = Held()
    async with endpoint.upstream:
        state = snapshot(model("m1", **ONE), model("idle"), endpoints={"m1": endpoint.upstream.address})
        async with routing(state, settings) as running:
            yield endpoint, running, state


async def test_without_a_token_file_there_is_no_such_path() -> None:
    async with routing(snapshot(model("m1"))) as running, httpx.AsyncClient() as client:
        reply = await client.get(f"{running.url}/load", headers={"authorization": f"Bearer {TOKEN}"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]
)
async def test_only_the_token_opens_it(settings: RouterSettings, given: str | None) -> None:
    async with routing(snapshot(model("m1")), settings) as running, httpx.AsyncClient() as client:
        headers = {} if given is None else {"authorization": given.encode("latin-1")}
        reply = await client.get(f"{running.url}/load", headers=headers)  # type: ignore[arg-type]
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert TOKEN not in reply.text


async def test_a_new_token_holds_from_the_next_request_on_and_a_lost_one_is_told(settings: RouterSettings) -> None:
    file = Path(settings.load_token_file)
    write = file.write_text
    async with routing(snapshot(model("m1")), settings) as running, httpx.AsyncClient() as client:
        old = {"authorization": f"Bearer {TOKEN}"}
        assert (await client.post(f"{running.url}/load", headers=old)).status_code == 405
        write("another")
        assert (await client.get(f"{running.url}/load", headers=old)).status_code == 401
        for lose in (lambda: write(" \n"), file.unlink):
            lose()
            reply = await client.get(f"{running.url}/load", headers=old)
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")


async def test_it_tells_what_is_in_flight_what_waits_and_when_that_is_over(settings: RouterSettings) -> None:
    async with held(settings) as (endpoint, running, _), following(running) as follower:
        await follower.until("default/m1", {"requests": 0})
        assert follower.reports[0].full
        assert follower.state == {}, "nobody was asked yet"
        tasks = [asyncio.create_task(running.chat("m1")) for _ in range(3)]
        load = await follower.until("default/m1", {"in_flight": 1, "queued": 2})
        assert (load.requests, load.slots) == (1, 1)
        assert [each.in_flight for each in load.endpoints.values()] == [1]
        assert list(load.endpoints) == [endpoint.upstream.address]
        for _ in tasks:
            endpoint.permits.release()
        assert {reply.status for reply in await asyncio.gather(*tasks)} == {200}
        load = await follower.until("default/m1", {"in_flight": 0, "queued": 0, "requests": 3})
        assert [each.in_flight for each in load.endpoints.values()] == [0]
        assert "default/idle" not in follower.state
        page = (await running.get("/metrics")).body.decode()
        labels = '{gen_ai_response_model="m1",namespace="default"}'
        assert f"auriga_model_requests_total{labels} 3.0" in page
        assert f"auriga_model_in_flight{labels} 0.0" in page
        assert f"auriga_model_queued{labels} 0.0" in page


async def test_a_request_shorter_than_a_report_is_seen(settings: RouterSettings) -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), endpoints={"m1": upstream.address})
        async with routing(state, settings) as running, following(running) as follower:
            await follower.until("default/m1", {"requests": 0})
            for number in range(1, 4):
                assert (await running.chat("m1")).status == 200
                await follower.until("default/m1", {"in_flight": 0, "queued": 0, "requests": number})
            assert max(report.models["default/m1"].in_flight for report in follower.reports[1:]) == 1  # type: ignore[union-attr]


async def test_it_is_silent_while_nothing_changes_and_never_tells_more_than_ten_times_a_second(
    settings: RouterSettings,
) -> None:
    began = asyncio.get_running_loop().time()
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), model("m2"), endpoints={"m1": upstream.address})
        async with routing(state, settings) as running, following(running) as follower:
            for _ in range(20):
                assert (await running.chat("m1")).status == 200
            await follower.until("default/m1", {"in_flight": 0, "requests": 20})
            count = len(follower.reports)
            assert count <= 2 + (asyncio.get_running_loop().time() - began) / 0.1
            # Whatever does not change the load is told to nobody: then this is the very next line.
            running.router.apply(replace(state, models={**state.models, "default/m2": model("m2", tags=["new"])}))
            assert (await running.chat("m1")).status == 200
            await follower.until("default/m1", {"in_flight": 0, "requests": 21})
            assert all(set(report.models) == {"default/m1"} for report in follower.reports[count:])


async def test_who_comes_later_sees_all_and_every_reader_sees_every_change(settings: RouterSettings) -> None:
    async with held(settings) as (endpoint, running, _), following(running) as first:
        task = asyncio.create_task(running.chat("m1"))
        await first.until("default/m1", {"in_flight": 1})
        async with following(running) as second:
            await second.until("default/m1", {"in_flight": 1, "requests": 1})
            assert second.reports[0].full
            assert second.reports[0].router == first.reports[0].router != ""
            endpoint.permits.release()
            await task
            for follower in (first, second):
                await follower.until("default/m1", {"in_flight": 0})
        again = asyncio.create_task(running.chat("m1"))
        await first.until("default/m1", {"in_flight": 1})
        endpoint.permits.release()
        await again


async def test_an_endpoint_that_leaves_is_told_of_until_it_is_done(settings: RouterSettings) -> None:
    async with held(settings) as (endpoint, running, state), following(running) as follower:
        task = asyncio.create_task(running.chat("m1"))
        await follower.until("default/m1", {"in_flight": 1, "slots": 1})
        running.router.apply(replace(state, endpoints={}))
        endpoint.permits.release()
        await task
        load = await follower.until("default/m1", {"in_flight": 0, "endpoints": {}})
        assert load.requests == 1
        told = [report.models["default/m1"] for report in follower.reports[1:]]
        assert any(load and [each.in_flight for each in load.endpoints.values()] == [1] for load in told)


async def test_a_model_that_goes_is_forgotten(settings: RouterSettings) -> None:
    async with held(settings) as (endpoint, running, state), following(running) as follower:
        endpoint.permits.release()
        await running.chat("m1")
        await follower.until("default/m1", {"in_flight": 0, "requests": 1})
        running.router.apply(replace(state, models={}, endpoints={}))
        await follower.until("default/m1", {"requests": 0})
        assert follower.reports[-1].models == {"default/m1": None}


async def test_a_model_that_turns_into_a_providers_is_told_of_no_more() -> None:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), endpoints={"m1": upstream.address})
        async with routing(state) as running:
            reader = running.router.follow_load(lambda: None)
            assert reader.take().full
            await running.chat("m1")
            cloud = external("m1", "openaiCompatible", upstream.address, "/v1")
            running.router.apply(snapshot(cloud, secrets=KEYS))
            assert reader.take().models == {"default/m1": None}
            assert (await running.chat("m1")).status == 200
            assert reader.take().models == {}
            running.router.apply(state)
            await running.chat("m1")
            assert reader.take().models["default/m1"], "it is served here again"
            reader.close()


async def test_a_router_that_stops_ends_it_and_does_not_wait_for_its_readers(settings: RouterSettings) -> None:
    async with held(settings) as (endpoint, running, _), following(running) as follower:
        task = asyncio.create_task(running.chat("m1"))
        await follower.until("default/m1", {"in_flight": 1})
        closing = asyncio.create_task(running.router.close(drain=60))
        endpoint.permits.release()
        assert (await task).status == 200
        async with asyncio.timeout(20):
            await closing
        await follower.until("default/m1", {"in_flight": 0})
        await until(lambda: follower.ended)


async def test_a_reader_that_goes_is_gone(settings: RouterSettings) -> None:
    async with held(settings) as (_, running, _):
        for _ in range(3):
            async with following(running) as follower:
                await follower.until("default/m1", {"requests": 0})
        streams = running.router._load_streams._open
        await until(lambda: not streams)


async def test_a_reader_that_does_not_read_costs_no_memory_and_then_sees_how_it_is(settings: RouterSettings) -> None:
    """Thousands of Models change again and again meanwhile: what waits for it is one entry for each."""
    async with Upstream(scripts.ok) as upstream:
        names = [f"m{number}" for number in range(3000)]
        state = snapshot(*(model(name) for name in names), endpoints=dict.fromkeys(names, upstream.address))
        async with routing(state, settings) as running:
            backends = running.router._front.table.backends
            loop = asyncio.get_running_loop()
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=1 << 24)
            sock = writer.get_extra_info("socket")
            assert sock is not None
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(f"GET /load HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode())
            streams = running.router._load_streams._open
            await until(lambda: bool(streams))
            (stream,) = streams

            async def stuck() -> bool:
                for backend in backends.values():
                    backend.slots.begin(loop.time())
                    backend.slots.end(loop.time())
                return not stream._writable.is_set()

            await until(stuck)
            for _ in range(3):
                await stuck()
            assert stream._reader.behind <= 1 + 2 * len(names)
            assert stream._client._transport.get_write_buffer_size() < 4_000_000
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            lines, told = Follower(), b""
            rounds = backends["default/m0"].slots.requests
            async with asyncio.timeout(30):
                while not all(lines.state.get(key, ModelLoad()).requests == rounds for key in backends) or any(
                    load.in_flight for load in lines.state.values()
                ):
                    size = int(await reader.readuntil(b"\r\n"), 16)
                    told += (await reader.readexactly(size + 2))[:-2]
                    *whole, told = told.split(b"\n")
                    for line in whole:
                        lines.state = merge(lines.state, read_report(line + b"\n"))
            writer.close()


async def test_local_mode_follows_it_in_its_own_process() -> None:
    news = asyncio.Event()
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state) as running:
            reader = running.router.follow_load(news.set)
            assert reader.take().full
            await running.chat()
            async with asyncio.timeout(10):
                await news.wait()
            told = reader.take().models["default/m1"]
            assert told
            assert (told.in_flight, told.requests) == (1, 1)
            fell = reader.take().models["default/m1"]
            assert fell
            assert fell.in_flight == 0
            assert not reader.behind
            assert reader.take().models == {}
            reader.close()

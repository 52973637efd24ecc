"""Breakers and 429 gates: what is known to fail is not asked again with every request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_grammar import error_object
from support.http_router import role
from support.upstreams import Refusing, Upstream


async def test_an_endpoint_that_keeps_failing_is_left_alone() -> None:
    async with (
        Upstream(scripts.status(500)) as bad,
        Upstream(scripts.ok) as good,
        role(bad.address, good.address, breaker={"failures": 3, "cooldown": "10m"}) as running,
    ):
        for _ in range(10):
            assert (await running.chat()).status == 200
        assert (len(bad.visits), len(good.visits)) == (3, 10)
        status = (await running.get("/status")).json["roleChains"][0]
        assert (status["activeMember"], status["members"][0]["reason"]) == ("m2", "Open")


async def test_after_the_cooldown_one_probe_goes_through_and_closes_it() -> None:
    async with (
        Upstream(scripts.status(500), scripts.ok) as flapping,
        Upstream(scripts.ok) as good,
        role(flapping.address, good.address, breaker={"failures": 1, "cooldown": "300ms"}) as running,
    ):
        await running.chat()
        assert (await running.chat()).headers["x-auriga-model"] == "m2"
        await asyncio.sleep(0.4)  # the cooldown itself is what must pass
        for _ in range(3):
            assert (await running.chat()).headers["x-auriga-model"] == "m1"


async def test_a_half_open_breaker_lets_one_probe_through_at_a_time() -> None:
    release = asyncio.Event()
    slow = scripts.waits_for(release)
    async with (
        Upstream(scripts.status(500), slow) as flapping,
        Upstream(scripts.ok) as good,
        role(flapping.address, good.address, breaker={"failures": 1, "cooldown": "100ms"}) as running,
    ):
        await running.chat()
        await asyncio.sleep(0.2)  # the cooldown itself is what must pass
        probe = asyncio.create_task(running.chat())
        await flapping.visited(2)
        for _ in range(5):
            assert (await running.chat()).headers["x-auriga-model"] == "m2"
        release.set()
        assert (await probe).headers["x-auriga-model"] == "m1"
        assert (await running.chat()).headers["x-auriga-model"] == "m1"


async def test_a_probe_whose_client_goes_away_makes_room_for_the_next() -> None:
    async with (
        Upstream(scripts.status(500), scripts.hangs, scripts.ok) as upstream,
        role(upstream.address, breaker={"failures": 1, "cooldown": "10m"}) as running,
    ):
        await running.chat()
        async with running.client() as client:
            await client.post({"model": "role", "messages": [{"role": "user", "content": "hi"}]})
            visit = await upstream.visited(2)
        await visit.gone.wait()
        assert (await running.chat()).status == 200


async def test_when_everybody_is_blocked_probes_go_through_at_once() -> None:
    with Refusing() as refusing:
        async with Upstream(scripts.status(500), scripts.ok) as upstream:
            breaker = {"failures": 1, "cooldown": "10m"}
            async with role(refusing, upstream.address, breaker=breaker) as running:
                assert (await running.chat()).status == 502
                reply = await running.chat()
                assert (reply.status, reply.headers["x-auriga-model"]) == (200, "m2")


@pytest.mark.parametrize("code", [400, 401, 404])
async def test_no_4xx_ever_trips_a_breaker(code: int) -> None:
    async with (
        Upstream(*[scripts.status(code)] * 10, scripts.ok) as upstream,
        role(upstream.address, breaker={"failures": 1, "cooldown": "10m"}) as running,
    ):
        for _ in range(10):
            await running.chat()
        assert (await running.chat()).status == 200


async def test_a_429_closes_the_gate_for_as_long_as_it_says() -> None:
    async with (
        Upstream(scripts.status(429, "Retry-After: 600\r\n")) as limited,
        Upstream(scripts.ok) as good,
        role(limited.address, good.address) as running,
    ):
        for _ in range(5):
            assert (await running.chat()).headers["x-auriga-model"] == "m2"
        assert len(limited.visits) == 1


async def test_behind_closed_gates_callers_are_told_when_to_come_again() -> None:
    first = scripts.status(429, "Retry-After: 600\r\n")
    second = scripts.status(429, "Retry-After: 300\r\n")
    async with Upstream(first) as one, Upstream(second) as two, role(one.address, two.address) as running:
        for _ in range(2):
            reply = await running.chat()
            assert reply.status == 503
            assert 290 < int(reply.headers["retry-after"]) <= 300
        error = error_object(reply.json)
        assert error["attempts"] == []
        assert [member["reason"] for member in error["skipped"]] == ["RateLimited", "RateLimited"]
        assert len(one.visits) == len(two.visits) == 1


@pytest.mark.parametrize("how", ["date", "milliseconds"])
async def test_a_429_may_name_a_date_or_milliseconds(how: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    said = f"Retry-After: {date}\r\n" if how == "date" else "Retry-After: 1\r\nRetry-After-Ms: 600000\r\n"
    limited = scripts.status(429, said)
    async with Upstream(limited) as upstream, role(upstream.address) as running:
        for _ in range(2):
            reply = await running.chat()
            assert reply.status == 503
            assert 300 < int(reply.headers["retry-after"]) <= 600
        assert len(upstream.visits) == 1


async def test_the_gate_opens_again() -> None:
    async with (
        Upstream(scripts.status(429, "Retry-After: 0.3\r\n"), scripts.ok) as limited,
        role(limited.address) as running,
    ):
        assert (await running.chat()).status == 503
        await asyncio.sleep(0.4)  # what Retry-After asked for
        assert (await running.chat()).status == 200


async def test_one_conversation_is_spread_when_its_endpoint_is_too_busy() -> None:
    release = asyncio.Event()
    slow = scripts.waits_for(release)
    async with (
        Upstream(slow) as one,
        Upstream(slow) as two,
        Upstream(slow) as three,
        role((one.address, two.address, three.address)) as running,
    ):
        tasks = [asyncio.create_task(running.chat()) for _ in range(6)]
        await until(lambda: sum(len(each.visits) for each in (one, two, three)) == 6)
        assert max(len(each.visits) for each in (one, two, three)) <= 4  # a quarter more than its share, and one
        release.set()
        assert [reply.status for reply in await asyncio.gather(*tasks)] == [200] * 6

"""A request that is not streamed shows no first token; its endpoint is looked after instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from support import upstreams_scripts as scripts
from support.http_grammar import error_object
from support.http_router import role
from support.upstreams import Script, Upstream, Visit

SHORT = {"timeouts": {"firstToken": "100ms", "connect": "200ms", "stall": "200ms"}}
"""Looks come after the first token's limit, and each has the connect limit to be answered."""
PATIENT = {"timeouts": SHORT["timeouts"] | {"connect": "1s"}}
"""For those that answer, or hang up: a busy machine takes longer for it."""


def works(looks: int, health: Script, then: Callable[[], None] = lambda: None) -> Script:
    """Answers when it was asked for its health so often."""
    enough = asyncio.Event()
    seen: list[Visit] = []

    async def script(visit: Visit) -> None:
        if visit.head.startswith(b"GET /health "):
            seen.append(visit)
            if len(seen) == looks:
                then()
                enough.set()
            await health(visit)
        else:
            await enough.wait()
            await scripts.ok(visit)

    return script


async def test_an_endpoint_that_hangs_is_left_for_the_next_member() -> None:
    async with (
        Upstream(scripts.hangs) as hung,
        Upstream(scripts.ok) as good,
        role(hung.address, good.address, model_spec=SHORT) as running,
    ):
        assert (await running.chat()).headers["x-auriga-model"] == "m2"
        assert running.outcomes == [("m1", "Timeout"), ("m2", "Ok")]
        looks = [visit for visit in hung.visits if visit.head.startswith(b"GET /health ")]
        assert len(looks) == 2  # one may be missed


async def test_one_that_hangs_alone_is_told_of_long_before_the_deadline() -> None:
    async with Upstream(scripts.hangs) as hung, role(hung.address, model_spec=SHORT) as running:
        reply = await running.chat()
        assert (reply.status, error_object(reply.json)["code"]) == (504, "timeout")


async def test_one_that_is_busy_but_well_is_waited_for() -> None:
    script = works(1, scripts.sends(scripts.reply(200, b"{}")))
    async with (
        Upstream(script) as busy,
        Upstream(scripts.ok) as other,
        role(busy.address, other.address, model_spec=PATIENT) as running,
    ):
        assert (await running.chat()).headers["x-auriga-model"] == "m1"
        assert running.outcomes == [("m1", "Ok")]
        assert not other.visits


async def test_one_missed_look_is_forgiven() -> None:
    script = works(2, scripts.closes_after(b""))

    async def misses_one(visit: Visit) -> None:
        if visit.head.startswith(b"GET /health ") and len(busy.visits) > 2:
            await scripts.sends(scripts.reply(503, b"{}"))(visit)  # whatever it says, it lives
        await script(visit)

    async with Upstream(misses_one) as busy, role(busy.address, model_spec=PATIENT) as running:
        assert (await running.chat()).status == 200


async def test_a_provider_gets_half_of_the_time_if_somebody_else_could_answer() -> None:
    def provider(upstream: Upstream) -> dict[str, object]:
        external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{upstream.address}/v1"}
        return {"external": external, "timeouts": SHORT["timeouts"]}

    async with Upstream(scripts.hangs) as hung, Upstream(scripts.ok) as good:
        both = [provider(hung), provider(good)]
        async with role((), (), members_spec=both, fallback={"deadline": "1s"}) as running:
            assert (await running.chat()).headers["x-auriga-model"] == "m2"
            assert running.outcomes == [("m1", "Timeout"), ("m2", "Ok")]
            assert running.attempts[0].milliseconds < 900
        assert len(hung.visits) == 1  # its health is nobody's business


async def test_a_caller_who_leaves_ends_the_looks() -> None:
    async with Upstream(scripts.hangs) as hung, role(hung.address, model_spec=SHORT) as running:
        async with running.client() as client:
            await client.post({"model": "role", "messages": [{"role": "user", "content": "hi"}]})
            look = await hung.visited(2)
        await look.gone.wait()
        assert running.outcomes == [("m1", "Cancelled")]

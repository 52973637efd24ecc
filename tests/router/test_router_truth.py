"""What the router says of itself is true: status, readiness, metrics, and what it tells whoever runs it."""

from __future__ import annotations

import re
import socket

import pytest

from auriga_router.attempts import Replied
from auriga_router.router import Router
from support import upstreams_scripts as scripts
from support.http_router import Running, chain, model, role, snapshot
from support.upstreams import Refusing, Upstream


@pytest.mark.parametrize(("fault", "reason"), [(500, "ServerError"), (401, "Unauthorized"), (429, "RateLimited")])
async def test_a_member_that_has_just_failed_serves_nobody_until_it_answers(fault: int, reason: str) -> None:
    async with (
        Upstream(scripts.status(fault, "Retry-After: 600\r\n"), scripts.ok) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address) as running,
    ):
        assert (await chains(running))["activeMember"] == "m1"
        await running.chat()
        said = await chains(running)
        assert (said["activeMember"], said["members"][0]["ready"], said["members"][0]["reason"]) == (
            "m2",
            False,
            reason,
        )
        models = (await running.get("/status")).json["models"]
        assert [(each["phase"], each["reason"]) for each in models] == [("Failed", reason), ("Ready", "Ready")]
        assert (await running.get("/readyz")).json["roles"] == {"default/role": "m2"}
        if reason != "RateLimited":
            await running.chat()
            assert (await chains(running))["activeMember"] == "m1"


async def chains(running: Running) -> dict[str, object]:
    found: dict[str, object] = (await running.get("/status")).json["roleChains"][0]
    return found


async def test_a_role_without_anybody_is_not_ready_and_the_router_still_is() -> None:
    """A router that is taken out of service would never see that the endpoint has recovered."""
    with Refusing() as refusing:
        async with role(refusing, breaker={"failures": 1}) as running:
            await running.chat()
            said = await chains(running)
            assert (said["ready"], said["activeMember"]) == (False, None)
            assert (await running.get("/readyz")).status == 200


async def test_what_was_never_seen_is_not_in_the_metrics() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        assert "_bucket" not in (await running.get("/metrics")).body.decode()
        await running.chat()
        metrics = (await running.get("/metrics")).body.decode()
        assert "gen_ai_server_request_duration_seconds_bucket" in metrics
        assert "time_to_first_token_seconds_bucket" not in metrics


async def test_requests_that_lead_nowhere_are_counted_without_their_names() -> None:
    async with Upstream(scripts.ok) as upstream, role(upstream.address) as running:
        for name in ("nobody", "no-one", 7):
            await running.chat(name)  # type: ignore[arg-type]
        metrics = (await running.get("/metrics")).body.decode()
        assert 'auriga_refusals_total{code="model_not_found",status="404"} 2.0' in metrics
        assert 'auriga_refusals_total{code="invalid_request",status="400"} 1.0' in metrics
        assert not re.search("nobody|no-one", metrics)


async def test_the_end_of_every_request_is_told() -> None:
    told: list[Replied] = []
    router = Router(on_reply=told.append)
    with Refusing() as refusing:
        async with Upstream(scripts.ok) as good:
            state = snapshot(
                *(model("bad"), model("good")), chain("role", "bad", "good"),
                endpoints={"bad": refusing, "good": good.address},
            )  # fmt: skip
            router.apply(state)
            sock = socket.create_server(("127.0.0.1", 0))
            await router.start(sock)
            running = Running(router, sock.getsockname()[1])
            await running.chat(headers="x-request-id: one\r\n")
            await running.chat("bad", headers="x-request-id: two\r\n")
            await router.close(drain=0)
    assert told == [Replied("one", "role", 200), Replied("two", "bad", 502)]

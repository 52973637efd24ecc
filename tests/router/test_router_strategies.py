"""Strategies seen from outside: who answers, and who follows when that one fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from support import upstreams_scripts as scripts
from support.http_router import chain, model, routing, snapshot
from support.upstreams import Upstream, Visit


async def slowly(visit: Visit) -> None:
    """Slower than the other one, even where that has to wait for its turn on the processor."""
    await asyncio.sleep(1.0)
    await scripts.ok(visit)


PRICED = [{"pricing": {"inputPerMillion": price}} for price in ("9", "1")]


@pytest.mark.parametrize(
    ("strategy", "members", "models", "answers"),
    [
        ("Ordered", ["a", "b"], [{}, {}], "a"),
        ("LeastCost", ["a", "b"], PRICED, "b"),
        ("Weighted", [{"model": "a", "weight": 0}, "b"], [{}, {}], "b"),
    ],
)
async def test_the_first_by_the_strategy_answers_and_the_other_when_it_fails(
    strategy: str, members: list[Any], models: list[dict[str, Any]], answers: str
) -> None:
    async with Upstream(scripts.ok) as one, Upstream(scripts.ok) as two:
        addresses = {"a": one.address, "b": two.address}
        objects = [model(name, **spec) for name, spec in zip("ab", models, strict=True)]
        role = chain("role", *members, strategy=strategy)
        async with routing(snapshot(*objects, role, endpoints=addresses)) as running:
            assert {(await running.chat()).headers["x-auriga-model"] for _ in range(8)} == {answers}
            (one if answers == "a" else two).scripts = (scripts.status(503),)
            reply = await running.chat()
            other = "b" if answers == "a" else "a"
            assert (reply.status, reply.headers["x-auriga-model"]) == (200, other)


@pytest.mark.parametrize("strategy", ["LeastLatency", "Adaptive"])
async def test_the_slow_one_is_asked_once_and_then_the_fast_one(strategy: str) -> None:
    async with Upstream(slowly) as slow, Upstream(scripts.ok) as fast:
        state = snapshot(
            *(model("slow"), model("fast")),
            chain("role", "slow", "fast", strategy=strategy),
            endpoints={"slow": slow.address, "fast": fast.address},
        )
        async with routing(state) as running:
            answered = Counter([(await running.chat(stream=True)).headers["x-auriga-model"] for _ in range(10)])
            assert answered == {"slow": 1, "fast": 9}


async def test_a_member_for_tools_is_asked_only_by_who_brings_some() -> None:
    async with Upstream(scripts.ok) as special, Upstream(scripts.ok) as usual:
        state = snapshot(
            *(model("special"), model("usual")),
            chain("role", {"model": "special", "when": {"capabilities": ["tools"]}}, "usual"),
            endpoints={"special": special.address, "usual": usual.address},
        )
        async with routing(state) as running:
            assert (await running.chat()).headers["x-auriga-model"] == "usual"
            tools = [{"type": "function", "function": {"name": "f"}}]
            assert (await running.chat(tools=tools)).headers["x-auriga-model"] == "special"
            usual.scripts = (scripts.status(500),)
            reply = await running.chat()
            assert (reply.status, b"special not asked (When)" in reply.body) == (502, True)

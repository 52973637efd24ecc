"""Turns of one conversation go to one endpoint, where their prompt is cached, unless it is too busy."""

from __future__ import annotations

import asyncio
from typing import Any

from support import upstreams_scripts as scripts
from support.http_router import Running, role
from support.upstreams import Upstream


async def converse(running: Running, question: str, turns: int = 3) -> None:
    """The same conversation, longer with each turn."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": "be brief"}, {"role": "user", "content": question}]
    for turn in range(turns):
        async with running.client() as client:
            await client.post({"model": "role", "messages": messages})
            assert (await client.reply()).status == 200
        messages += [{"role": "assistant", "content": "ok"}, {"role": "user", "content": f"and {turn}?"}]


def _questions(upstream: Upstream) -> list[str]:
    return [visit.json["messages"][1]["content"] for visit in upstream.visits]


async def test_the_turns_of_a_conversation_stay_together_and_conversations_are_shared() -> None:
    async with Upstream(scripts.ok) as one, Upstream(scripts.ok) as two, role([one.address, two.address]) as running:
        for number in range(60):  # where the two stand on the ring depends on their ports: few would not do
            await converse(running, f"question {number}")
        first, second = _questions(one), _questions(two)
        assert len(first) + len(second) == 180
        assert not set(first) & set(second)
        assert len(set(first)) >= 5
        assert len(set(second)) >= 5


async def test_a_conversation_leaves_an_endpoint_whose_slots_are_all_taken() -> None:
    release = asyncio.Event()
    spec = {"engine": {"parallel": 1}}
    async with (
        Upstream(scripts.ok) as one,
        Upstream(scripts.ok) as two,
        role([one.address, two.address], model_spec=spec) as running,
    ):
        await converse(running, "mine", turns=1)
        home, other = (one, two) if one.visits else (two, one)
        home.scripts = (scripts.waits_for(release),)
        waiting = asyncio.create_task(converse(running, "mine", turns=1))
        await home.visited(2)
        await converse(running, "mine", turns=1)
        assert len(other.visits) == 1
        release.set()
        await waiting
        await converse(running, "mine", turns=2)
        assert (len(home.visits), len(other.visits)) == (4, 1)


async def test_a_conversation_moves_when_its_endpoint_fails() -> None:
    async with Upstream(scripts.ok) as one, Upstream(scripts.ok) as two, role([one.address, two.address]) as running:
        await converse(running, "mine", turns=1)
        home, other = (one, two) if one.visits else (two, one)
        home.scripts = (scripts.status(500),)
        await converse(running, "mine", turns=1)
        assert len(other.visits) == 1
        home.scripts = (scripts.ok,)
        await converse(running, "mine", turns=1)
        assert (len(home.visits), len(other.visits)) == (3, 1)

"""What each strategy makes of a chain: who is asked first, and who follows."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from auriga_router.compile import compile as compiled
from auriga_router.needs import held
from auriga_router.recent import FRESH, Recent
from auriga_router.routing.gate import BreakerSettings
from auriga_router.routing.order import Moment, arranged
from auriga_router.routing.outcome import Outcome
from auriga_router.table import Chain, Member
from auriga_router.trial import Trial
from support.http_router import chain, model, snapshot

CLOUD = {"provider": "openaiCompatible", "baseURL": "https://models.example/v1"}


def a_chain(strategy: str, *members: Any, **models: Any) -> Chain:
    """Members a, b, c, each with an endpoint; ``models`` says more of a Model."""
    listed = members or ("a", "b", "c")
    names = [member if isinstance(member, str) else member["model"] for member in listed]
    state = snapshot(
        *(model(name, **models.get(name, {})) for name in names),
        chain("role", *listed, strategy=strategy),
        endpoints=dict.fromkeys(names, "127.0.0.1:1"),
    )
    return compiled(state).names["role"]


def order(of: Chain, *, now: float = 1000.0, streamed: bool = True, draw: Callable[[], float] = random.random) -> str:
    members = arranged(of, (), Moment(now, streamed, draw)).members
    return "".join(member.backend.name for member in members)


def named(of: Chain, name: str) -> Member:
    return next(member for member in of.members if member.backend.name == name)


def experience(of: Chain, name: str) -> Recent:
    recent = named(of, name).tally.recent
    assert recent is not None
    return recent


def test_ordered_is_as_written_and_costs_nothing() -> None:
    assert a_chain("Ordered").as_written
    assert order(a_chain("Ordered")) == "abc"
    assert named(a_chain("Ordered"), "a").tally.recent is None


def test_weighted_gives_each_its_share_and_asks_weight_zero_last() -> None:
    of = a_chain(
        "Weighted", {"model": "a", "weight": 0}, {"model": "b", "weight": 1}, {"model": "c", "weight": 3},
        {"model": "d", "weight": 0},
    )  # fmt: skip
    draw = random.Random(7).random
    orders = Counter(order(of, draw=draw) for _ in range(4000))
    assert orders.keys() == {"bcad", "cbad"}
    assert orders["cbad"] / 4000 == pytest.approx(0.75, abs=0.03)


def test_least_latency_asks_the_fastest_of_the_kind_that_is_asked_for() -> None:
    of = a_chain("LeastLatency")
    for name, first_token, duration in (("a", 0.5, 1.0), ("b", 0.1, 9.0), ("c", 0.3, 2.0)):
        experience(of, name).took(first_token, streamed=True, now=990.0)
        experience(of, name).took(duration, streamed=False, now=990.0)
    assert order(of) == "bca"
    assert order(of, streamed=False) == "acb"


def test_who_was_not_asked_for_a_while_is_asked_once() -> None:
    of = a_chain("LeastLatency")
    assert order(of) == "abc"
    for name, seconds in (("a", 0.1), ("b", 0.2), ("c", 0.3)):
        experience(of, name).took(seconds, streamed=True, now=1000.0)
    assert order(of, now=1000.0 + FRESH - 1) == "abc"
    experience(of, "a").took(0.1, streamed=True, now=1030.0)
    experience(of, "b").took(0.2, streamed=True, now=1030.0)
    assert order(of, now=1000.0 + FRESH) == "cab"
    named(of, "c").backend.slots.in_flight = 1  # it is being asked: one is enough to know
    assert order(of, now=1000.0 + FRESH) == "abc"


def test_who_fails_without_ever_answering_is_asked_last() -> None:
    of = a_chain("LeastLatency")
    experience(of, "a").ended(answered=False, now=1000.0)
    for name in "bc":
        experience(of, name).took(1.0, streamed=True, now=1000.0)
    assert order(of) == "bca"


def test_least_cost_asks_the_cheapest_and_counts_prompts_for_more() -> None:
    of = a_chain(
        "LeastCost",
        a={"external": CLOUD, "pricing": {"inputPerMillion": "3", "outputPerMillion": "15"}},
        b={"external": CLOUD, "pricing": {"inputPerMillion": "5", "outputPerMillion": "8"}},
        c={},
    )
    assert order(of) == "cba"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0.1, 1.0, 0), (0.2, 1.0, 0), "ab"),
        ((0.1, 0.4, 0), (0.2, 1.0, 0), "ba"),  # it fails more often than it is faster
        ((0.1, 1.0, 2), (0.2, 1.0, 0), "ba"),  # it is busy
        ((0.1, 0.0, 0), (5.0, 1.0, 0), "ba"),
    ],
)
def test_adaptive_weighs_speed_failures_and_load(
    a: tuple[float, float, int], b: tuple[float, float, int], expected: str
) -> None:
    of = a_chain("Adaptive", "a", "b")
    for name, (seconds, success, in_flight) in (("a", a), ("b", b)):
        experience(of, name).took(seconds, streamed=True, now=1000.0)
        experience(of, name).success = success
        named(of, name).backend.slots.in_flight = in_flight
    assert order(of) == expected


@pytest.mark.parametrize("strategy", ["Adaptive", "LeastLatency"])
@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.CLIENT_ERROR, Outcome.CONTEXT_OVERFLOW])
def test_what_a_caller_did_makes_nobody_worse(outcome: Outcome, strategy: str) -> None:
    of = a_chain(strategy, "a", "b")
    for name, seconds in (("a", 0.1), ("b", 0.2)):
        experience(of, name).took(seconds, streamed=True, now=1000.0)
    a = named(of, "a")
    for _ in range(30):
        Trial(a, a.backend.endpoints[0], 1000.0).end(outcome, 1000.0, BreakerSettings())
    assert order(of) == "ab"
    assert experience(of, "a").success == 1.0
    assert (a.backend.endpoints[0].in_flight, a.backend.slots.in_flight) == (0, 0)


def test_an_average_moves_towards_what_is_new() -> None:
    recent = Recent()
    for seconds in (1.0, *[2.0] * 30):
        recent.took(seconds, streamed=True, now=5.0)
        recent.ended(answered=False, now=5.0)
    assert recent.latency(streamed=True) == pytest.approx(2.0, abs=0.01)
    assert recent.success == pytest.approx(0.0, abs=0.01)
    assert recent.latency(streamed=False) == 0.0


def test_experience_outlives_a_swap_that_changes_the_strategy() -> None:
    objects = [model("a"), model("b")]
    first = compiled(snapshot(*objects, chain("role", "a", "b", strategy="Adaptive")))
    second = compiled(snapshot(*objects, chain("role", "b", "a", strategy="LeastLatency")), first)
    assert experience(second.names["role"], "a") is experience(first.names["role"], "a")


def test_a_member_for_some_requests_is_asked_by_these_only() -> None:
    special = {"model": "a", "when": {"capabilities": ["vision", "tools"]}}
    of = a_chain("Ordered", special, "b", a={"capabilities": ["chat", "vision"]})
    assert not of.as_written

    def reasons(*needs: str) -> list[str | None]:
        members = arranged(of, needs, Moment(0.0, False, random.random)).members
        return [member.not_ready.reason if member.not_ready else None for member in members]

    assert reasons("chat") == ["When", None]
    assert reasons("chat", "vision") == [None, None]
    assert named(of, "a").not_ready is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"messages": [{"role": "user", "content": "hi"}]}', set()),
        (b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "image_url"}]}], "tools": []}', set()),
        (b'{"messages": [{"content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}', {"vision"}),
        (b'{"messages": [{"content": [{"type": "image", "source": {}}]}], "tools": [{}]}', {"vision", "tools"}),
        (b'{"input": [{"content": [{"type": "input_image"}]}]}', {"vision"}),
        (b'{"messages": 1, "tools": null, "functions": [1]}', {"tools"}),
        (b'{"messages": [1, {"content": [2]}, {}], "input": "text"}', set()),
    ],
)  # fmt: skip
def test_what_a_request_holds(body: bytes, found: set[str]) -> None:
    assert held(json.loads(body)) == found

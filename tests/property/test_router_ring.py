"""Consistent hashing with bounded loads: conversations stay, endpoints share, and nobody busy or closed is picked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auriga_router.compile import compile as compiled
from auriga_router.conversation import key_of
from auriga_router.routing.pick import pick
from auriga_router.routing.ring import Ring
from auriga_router.table import Backend
from support.http_router import model, snapshot

KEYS = st.integers(1, 2**32 - 1)
COUNTS = st.integers(2, 12)
LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(LEAF, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner), max_leaves=8)
NAMES = st.sampled_from(["system", "instructions", "prompt", "messages", "input", "role", "content"])


def names(count: int) -> list[str]:
    return [f"10.0.0.{number}:8080" for number in range(count)]


def a_backend(count: int, parallel: int = 4) -> Backend:
    served = model("m", engine={"parallel": parallel})
    return compiled(snapshot(served, endpoints={"m": names(count)})).backends["default/m"]


@given(COUNTS, KEYS)
def test_a_walk_comes_to_each_endpoint_once(count: int, key: int) -> None:
    assert sorted(Ring(names(count)).walk(key)) == list(range(count))


@given(COUNTS, st.data())
def test_an_endpoint_that_goes_takes_only_its_own_conversations_along(count: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, count))
    all_names = names(count + 1)
    left = all_names[:gone] + all_names[gone + 1 :]
    before, after = Ring(all_names), Ring(left)
    for key in data.draw(st.lists(KEYS, max_size=20)):
        owner = all_names[next(before.walk(key))]
        assert left[next(after.walk(key))] == (owner if owner in left else all_names[_second(before, key)])


def _second(ring: Ring, key: int) -> int:
    walk = ring.walk(key)
    next(walk)
    return next(walk)


@given(COUNTS)
def test_conversations_are_shared_about_evenly(count: int) -> None:
    ring = Ring(names(count))
    keys = [key_of({"messages": [{"role": "user", "content": f"question {number}"}]}) for number in range(2000)]
    shares = Counter(next(ring.walk(key)) for key in keys)
    assert len(shares) == count
    assert max(shares.values()) < 2 * 2000 / count


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.booleans()), min_size=2, max_size=12), KEYS)
def test_who_is_picked_is_open_untried_and_not_too_busy_while_there_is_such_a_one(
    states: list[tuple[int, bool, bool]], key: int
) -> None:
    backend = a_backend(len(states))
    tried = []
    for endpoint, (load, closed, was_tried) in zip(backend.endpoints, states, strict=True):
        endpoint.in_flight = load
        backend.slots.in_flight += load
        endpoint.gate.blocked_until = 10.0 if closed else 0.0
        tried += [endpoint] if was_tried else []
    candidates = [
        endpoint for endpoint in backend.endpoints if endpoint.gate.blocked_until == 0.0 and endpoint not in tried
    ]
    picked = pick(backend, key, tried, 1.0)
    assert (picked is None) == (not candidates)
    if picked is not None:
        least = min(endpoint.in_flight for endpoint in candidates)
        share = 1.25 * (backend.slots.in_flight + 1) / len(states) + 1
        assert picked in candidates
        assert picked.in_flight < min(4, share) or picked.in_flight == least


@given(st.dictionaries(NAMES, JSON))
def test_every_document_has_a_key(document: dict[str, Any]) -> None:
    assert 0 <= key_of(document) < 2**32
    assert key_of(document) == key_of(dict(document))


@given(st.text(min_size=1), st.text(min_size=1), st.lists(st.text()))
def test_a_conversation_keeps_its_key_from_turn_to_turn(system: str, question: str, turns: list[str]) -> None:
    opening = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    later = [{"role": "assistant" if turn % 2 else "user", "content": text} for turn, text in enumerate(turns, 1)]
    assert key_of({"messages": [*opening, *later]}) == key_of({"messages": opening})
    assert key_of({"messages": [*opening, *later], "temperature": 1}) == key_of({"messages": opening})

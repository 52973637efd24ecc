"""Who holds the memory, who leaves, who waits: the rules of `turns`, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auriga_cli.local.claim import MAX_LINGER, MAX_TURN, NEVER, Claim
from auriga_cli.local.turns import Turns, Wait, decide

NOW = 1000.0
SIZE = 10
AWAY = Claim("m", SIZE)


def here(model: str, **changes: object) -> Claim:
    """It has served for a long while, and nobody has asked it since."""
    usual = Claim(model, SIZE, desired=1, running=1, held=SIZE, ready=NOW - 500, used=NOW - 400, load_time=4.0)
    return replace(usual, **changes)  # type: ignore[arg-type]


def asks(model: str, since: float = 1.0, **changes: object) -> Claim:
    """It is away, and somebody waits for it."""
    usual = Claim(model, SIZE, desired=1, waiting=1, asked=NOW - since, used=NOW)
    return replace(usual, **changes)  # type: ignore[arg-type]


def woken(model: str) -> Claim:
    """It is away and was asked, but another Model has answered."""
    return Claim(model, SIZE, desired=1, used=NOW - 1)


def turns(*claims: Claim, room: int = 0) -> Turns:
    return decide(claims, room, NOW)


@pytest.mark.parametrize(
    ("found", "replicas"),
    [
        pytest.param(turns(AWAY, room=100), {"m": 0}, id="nobody asks: nobody comes"),
        pytest.param(turns(asks("a"), asks("b"), room=20), {"a": 1, "b": 1}, id="who fits comes at once"),
        pytest.param(turns(asks("a"), asks("b", since=9), room=10), {"a": 0, "b": 1}, id="first come, first served"),
        pytest.param(turns(woken("a"), room=10), {"a": 1}, id="who is only woken takes what is free"),
        pytest.param(turns(here("a"), asks("b")), {"a": 0, "b": 0}, id="who is idle leaves for who asks"),
        pytest.param(turns(here("a", desired=0)), {"a": 0}, id="who is wanted no more leaves"),
        pytest.param(turns(here("a", desired=0, in_flight=1)), {"a": 1}, id="but not from its work"),
        pytest.param(
            turns(here("a", used=NOW - 50), here("b", used=NOW - 60), asks("c")), {"a": 1, "b": 0, "c": 0},
            id="the least recently used leaves",
        ),
        pytest.param(
            turns(here("a", in_flight=1, used=NOW), here("b", used=NOW - 60), asks("c")), {"a": 1, "b": 0, "c": 0},
            id="rather who is idle than who is at work",
        ),
        pytest.param(
            turns(here("a", used=NOW - 60, size=4, held=4), here("b", used=NOW - 50), asks("c")),
            {"a": 1, "b": 0, "c": 0}, id="who would not make room enough need not leave",
        ),
        pytest.param(
            turns(here("a"), asks("b", size=25), room=10), {"a": 1, "b": 0}, id="who is too large drives nobody out",
        ),
        pytest.param(
            turns(here("a", desired=0, leaving=10, running=0, held=0, ready=None), here("b"), asks("c")),
            {"a": 0, "b": 1, "c": 0}, id="one who leaves already is enough",
        ),
        pytest.param(
            turns(here("a"), here("b"), asks("c", size=20)), {"a": 0, "b": 0, "c": 0}, id="as many as it takes",
        ),
        pytest.param(
            turns(asks("a", since=5, size=20), here("b", in_flight=1, ready=NOW - 1), asks("c", since=4), room=10),
            {"a": 0, "b": 1, "c": 0}, id="nobody takes what one waits for who came before",
        ),
        pytest.param(
            turns(here("a", used=NOW - 3), woken("b")), {"a": 1, "b": 0}, id="who is only woken drives nobody out",
        ),
        pytest.param(turns(here("a"), woken("b")), {"a": 0, "b": 0}, id="but who has not been asked for a whole turn"),
        pytest.param(
            turns(here("a", in_flight=1), woken("b")), {"a": 1, "b": 0}, id="and never who is at work",
        ),
        pytest.param(
            turns(here("a", ready=None, waiting=1), asks("b")), {"a": 1, "b": 0}, id="who loads for somebody stays",
        ),
        pytest.param(
            turns(here("a", ready=None), asks("b")), {"a": 0, "b": 0}, id="who loads for nobody any more may go",
        ),
        pytest.param(turns(here("a", desired=3), room=20), {"a": 3}, id="more replicas where there is room"),
        pytest.param(
            turns(here("a", desired=3), asks("b", size=30), room=20), {"a": 0, "b": 0}, id="but not before who waits",
        ),
        pytest.param(
            turns(here("a", desired=3), asks("b", size=99), room=20), {"a": 3, "b": 0},
            id="who is too large is in nobody's way",
        ),
        pytest.param(
            turns(here("a", desired=3, in_flight=1), replace(woken("b"), size=30), room=20), {"a": 3, "b": 0},
            id="nor is who is only woken and does not fit",
        ),
        pytest.param(
            turns(here("a", desired=3, in_flight=1), replace(AWAY, size=30, desired=1, least=1), room=20),
            {"a": 1, "m": 0}, id="but who is always to be here",
        ),
        pytest.param(
            turns(here("a", desired=3, running=3, held=30, in_flight=9), asks("b")), {"a": 1, "b": 0},
            id="which go first",
        ),
        pytest.param(
            turns(here("a", least=1), asks("b")), {"a": 1, "b": 0}, id="who is always to be here takes no turns",
        ),
        pytest.param(
            turns(asks("a"), AWAY, replace(AWAY, model="n", desired=1, least=1), room=10), {"a": 0, "m": 0, "n": 1},
            id="and comes first",
        ),
    ],
)  # fmt: skip
def test_who_may_have_replicas(found: Turns, replicas: dict[str, int]) -> None:
    assert found.replicas == replicas


BUSY = here("a", in_flight=1, ready=NOW - 5, used=NOW, load_time=4.0, group=2, served=2)


@pytest.mark.parametrize(
    ("claim", "until"),
    [
        pytest.param(BUSY, NOW + 3, id="a turn is twice what loading took"),
        pytest.param(replace(BUSY, load_time=0.1, ready=NOW - 0.4), NOW + 0.6, id="at least a second"),
        pytest.param(replace(BUSY, load_time=900.0), NOW - 5 + MAX_TURN, id="but not for ever"),
        pytest.param(replace(BUSY, served=1), NOW - 5 + MAX_TURN, id="those that waited when it came are served first"),
        pytest.param(
            replace(BUSY, in_flight=0, used=NOW - 1), NOW - 1 + MAX_LINGER, id="nobody asks: a moment, no whole turn",
        ),
        pytest.param(
            replace(BUSY, in_flight=0, ready=NOW - 7, used=NOW), NOW + 1, id="nor longer than its turn",
        ),
        pytest.param(replace(BUSY, ready=None, waiting=1), NEVER, id="it loads: nobody knows for how long"),
    ],
)  # fmt: skip
def test_whose_turn_it_is(claim: Claim, until: float) -> None:
    found = turns(claim, asks("b"))
    assert found.replicas == {"a": 1, "b": 0}
    assert found.waits == {"b": Wait("Turn", ("a",), pytest.approx(until))}
    assert found.wake_at == pytest.approx(until)


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        pytest.param(turns(here("a"), asks("b")), {"b": Wait("Leaving", ("a",))}, id="one leaves"),
        pytest.param(
            turns(here("a"), asks("b", since=2), asks("c")),
            {"b": Wait("Leaving", ("a",)), "c": Wait("Line", ("b",))}, id="in line",
        ),
        pytest.param(turns(asks("a", size=11), room=10), {"a": Wait("TooLarge")}, id="too large"),
        pytest.param(
            turns(asks("a", since=2, size=11), asks("b"), room=10), {"a": Wait("TooLarge")},
            id="who is too large is in nobody's way",
        ),
    ],
)  # fmt: skip
def test_why_one_waits(found: Turns, waits: dict[str, Wait]) -> None:
    assert found.waits == waits


def test_when_the_turn_is_over_who_is_at_work_leaves() -> None:
    found = turns(replace(BUSY, ready=NOW - 8), asks("b"))
    assert found.replicas == {"a": 0, "b": 0}


def test_memory_that_is_overfull_is_no_error() -> None:
    assert turns(here("a"), asks("b"), room=-5).waits == {"b": Wait("TooLarge")}

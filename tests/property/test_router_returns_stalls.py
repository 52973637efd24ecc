"""A stream falls silent at a Model's only endpoint: it may hang, and be ended and started again because of that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.http_router import model, snapshot
from support.replies import PATHS, told
from support.returns import ELSEWHERE, HERE, OTHER, World, broken, served, state, text
from support.simulation import Fault
from support.simulation_answers import TEXT, WORDS

STALL = 4.0
FIRST_TOKEN = 20.0
SPEC = {"timeouts": {"stall": f"{STALL}s", "firstToken": f"{FIRST_TOKEN}s"}}
FIRST_STEP = Fault("none")
"""Of going on: the prompt is asked for."""
UNRESPONSIVE = state("Failed", "Unresponsive", "the engine answered no health check and did no work for 60 s")


def hanging(words: int = 3) -> World:
    """Its endpoint hangs after so many words: it takes connections, and says nothing more."""
    world = World(spec=SPEC)
    world.servers[HERE].faults = [Fault("stall", words), Fault("hang")]
    return world


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("words", range(1, len(WORDS) + 1))
def test_an_engine_that_was_only_slow_goes_on_itself(words: int, dialect: str) -> None:
    world = World(spec=SPEC)
    world.servers[HERE].faults = [Fault("stall", words)]
    client = world.post(dialect)
    assert STALL <= world.run() <= STALL + 0.6
    assert text(dialect, client) == TEXT
    assert world.outcomes == ["Stall", "Ok"]
    assert world.idle()


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
@pytest.mark.parametrize("seen", [0.0, 1.0])
def test_a_stream_goes_on_when_the_engine_that_hung_is_replaced(dialect: str, address: str, seen: float) -> None:
    """Seen before it is ended, as by who ends it here, or a while later, as in a cluster."""
    world = hanging()
    client = world.post(dialect)
    world.dies(9.0, seen, UNRESPONSIVE)
    world.returns(15.0, address)
    assert 15.0 <= world.run() <= 15.5
    assert text(dialect, client) == TEXT
    assert world.outcomes == ["Stall", "Connect", "Ok"]
    assert world.idle()


def test_so_does_one_whose_engine_left_the_snapshot_before_it_was_ended() -> None:
    world = hanging()
    client = world.post()

    def leaves() -> None:
        endpoints = world.table.backends["default/m1"].endpoints
        world.become(UNRESPONSIVE)
        client.exchange.endpoint_left(endpoints)

    world.later(9.0, leaves)
    world.returns(19.0)
    assert 19.0 <= world.run() <= 19.5
    assert text("openai", client) == TEXT
    assert world.outcomes == ["Stall", "Timeout", "Ok"]


def test_an_engine_that_hangs_for_good_is_waited_for_no_longer_than_for_a_first_token() -> None:
    world = hanging()
    client = world.post()
    assert STALL + FIRST_TOKEN <= world.run() <= STALL + FIRST_TOKEN + 0.6
    assert broken("openai", client).text == "".join(WORDS[:3])
    assert world.outcomes == ["Stall", "Timeout"]
    assert world.idle()


def test_a_second_stall_is_the_last() -> None:
    """Perhaps the request is what engines hang of: also where the first of them was replaced."""
    world = hanging()
    client = world.post()
    world.servers[ELSEWHERE].faults = [FIRST_STEP, Fault("stall", 1)]
    world.dies(9.0, 0.0, UNRESPONSIVE)
    world.returns(15.0)
    assert world.run() <= 15.5 + STALL
    assert broken("openai", client).text == "".join(WORDS[:4])
    assert world.outcomes == ["Stall", "Connect", "Stall"]


def test_nor_is_the_first_asked_again_after_it() -> None:
    world = World(spec=SPEC)
    world.become(state("Ready", "Serving"), HERE, ELSEWHERE)
    for address in (HERE, ELSEWHERE):
        world.servers[address].faults = [Fault("stall", 1), Fault("stall", 1), Fault("stall", 1)]
    client = world.post()
    assert world.run() <= 2 * STALL + 0.6
    broken("openai", client)
    assert world.outcomes == ["Stall", "Stall"]


def test_one_that_was_cut_and_then_falls_silent_is_there_and_is_not_asked_again() -> None:
    world = World(spec=SPEC)
    world.servers[HERE].faults = [Fault("cut", 3), FIRST_STEP, Fault("stall", 1)]
    client = world.post()
    assert world.run() <= STALL + 0.6
    assert broken("openai", client).text == "".join(WORDS[:4])
    assert world.outcomes == ["Cut", "Stall"]


def test_a_provider_that_falls_silent_is_not_asked_again() -> None:
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{OTHER}/v1"}
    world = World()
    world.apply(snapshot(model("m1", external=external, **SPEC), *world.objects))
    world.servers[OTHER].faults = [Fault("stall", 3)]
    client = world.post()
    assert world.run() <= STALL + 0.6
    broken("openai", client)
    assert world.outcomes == ["Stall"]


def test_another_member_is_asked_first() -> None:
    world = World(served("m2"), spec=SPEC)
    world.servers[HERE].faults = [Fault("stall", 3)]
    client = world.post()
    assert world.run() <= STALL + 0.6
    assert text("openai", client) == TEXT
    assert (world.servers[HERE].requests, world.servers[OTHER].requests) == (1, 2)


@pytest.mark.parametrize(("most", "outcomes"), [(1, ["Stall"]), (2, ["Stall", "Connect"])])
def test_its_attempts_are_counted(most: int, outcomes: list[str]) -> None:
    world = World(spec=SPEC, fallback={"maxAttempts": most})
    world.servers[HERE].faults = [Fault("stall", 3), Fault("hang")]
    client = world.post()
    world.dies(9.0, 0.0, UNRESPONSIVE)
    world.returns(15.0)
    world.run()
    broken("openai", client)
    assert world.outcomes == outcomes


@pytest.mark.parametrize("deadline", [1.0, 3.0, 8.0])
def test_the_deadline_holds_after_a_stall(deadline: float) -> None:
    """It stood still while content flowed, which ends when the silence is called a stall."""
    world = World(spec=SPEC, fallback={"deadline": f"{deadline}s"})
    world.servers[HERE].faults = [Fault("stall", 3), Fault("hang")]
    client = world.post()
    assert STALL <= world.run() <= STALL + deadline + 0.6
    broken("openai", client)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["stall", "cut", "hang", "reset", "slow", "500"]), max_size=5),
    st.lists(st.integers(1, 3), min_size=5, max_size=5),
    st.lists(st.tuples(st.floats(0, 40), st.sampled_from(["dies", "dies unseen", "back", "back here"])), max_size=4),
    st.sampled_from(sorted(PATHS)),
)
def test_whatever_falls_silent_the_text_comes_once_or_an_error(
    kinds: list[str], words: list[int], changes: list[tuple[float, str]], dialect: str
) -> None:
    world = World(spec=SPEC)
    for address in (HERE, ELSEWHERE):
        world.servers[address].faults = [Fault(*fault) for fault in zip(kinds, words, strict=False)]
    client = world.post(dialect)
    for seconds, kind in changes:
        if kind.startswith("dies"):
            world.dies(seconds, None if kind == "dies unseen" else 0.4, UNRESPONSIVE)
        else:
            world.returns(seconds, HERE if kind == "back here" else ELSEWHERE)
    world.run_all()
    assert world.idle()
    reply = told(dialect, client, stream=True) if b"text/event-stream" in client.received else None
    if reply is None:
        assert client.received.startswith((b"HTTP/1.1 502", b"HTTP/1.1 503", b"HTTP/1.1 504"))
    elif reply.error is None:
        assert (reply.text, reply.whole) == (TEXT, True)
    else:
        assert TEXT.startswith(reply.text)
        assert world.outcomes.count("Stall") <= 3, "once at each of two endpoints, and once more at the first"

"""A Model's only endpoint dies and is started again: who waits, and goes on where it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriga_router.routing.outcome import Outcome
from support import grammar_responses
from support.replies import PATHS, received, told
from support.returns import DEADLINE, ELSEWHERE, FOR_GOOD, HERE, World, after, state, text
from support.simulation import Client
from support.simulation_answers import TEXT, WORDS


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("words", range(1, len(WORDS) + 1))
@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
def test_a_stream_goes_on_when_its_only_endpoint_is_back(words: int, dialect: str, address: str) -> None:
    world = World()
    client = world.post(dialect)
    world.dies(after(words, dialect))
    world.returns(8.0, address)
    assert 8.0 <= world.run() <= 8.4
    assert text(dialect, client) == TEXT
    assert world.outcomes == ["Cut", "Connect", "Ok"]
    assert world.idle()


@pytest.mark.parametrize("seen", [0.01, 4.9])
@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("at", [0.0, 0.002])
def test_a_request_that_has_shown_nothing_is_asked_anew(at: float, stream: bool, dialect: str, seen: float) -> None:
    """Its connection is refused, or it waits for its answer when the endpoint dies."""
    world = World()
    world.dies(at, seen)
    world.returns(8.0)
    clients: list[Client] = []
    world.later(0.0005, lambda: clients.append(world.post(dialect, stream=stream)))
    world.later(0.001, lambda: clients.append(world.post(dialect, name="m1", stream=stream)))
    world.run_all()
    assert [text(dialect, client, stream=stream) for client in clients] == [TEXT] * 2
    assert sorted(world.outcomes) == ["Connect", "Connect", "Ok", "Ok"]
    assert b"x-auriga-attempts: m1;outcome=Connect;ms=" in clients[0].received
    assert b", m1\r\n" in clients[0].received


def test_who_comes_while_it_is_started_again_waits_and_a_count_of_tokens_does_not() -> None:
    world = World()
    world.dies(0.0, 0.0)
    world.returns(20.0)
    clients: list[Client] = []
    for second in (1.0, 2.0, 3.0):
        world.later(second, lambda: clients.append(world.post(stream=False)))
    counts: list[Client] = []
    turns = {"model": "m1", "messages": [{"role": "user", "content": "hi"}]}
    world.later(4.0, lambda: counts.append(world.ask(turns, b"/v1/messages/count_tokens")))
    world.later(4.1, lambda: counts.append(Client()) if counts[0].whole is None else None)
    world.run_all()
    assert [text("openai", client, stream=False) for client in clients] == [TEXT] * 3
    assert len(counts) == 1, "the count waited"


@pytest.mark.parametrize("back", [True, False])
def test_a_stream_of_responses_goes_on_too(back: bool) -> None:
    """Always translated, whoever answers."""
    world = World()
    client = world.ask({"model": "role", "stream": True, "input": "count"}, b"/v1/responses")
    world.dies(after(3))
    if back:
        world.returns(25.0)
    world.run()
    _, body, whole = received(client)
    assert body.count(b": m1 Failed\n") == 2
    stream = grammar_responses.read(body)
    said = "".join(part["text"] for item in stream.response["output"] for part in item["content"])
    assert (stream.error is None, whole) == (back, back)
    assert (said == TEXT) is back
    assert stream.response["status"] == ("completed" if back else "failed")


def test_inside_and_whole_answers_wait_in_silence() -> None:
    world = World(streaming={"inside": True})
    client = world.post(stream=False)
    world.dies(after(3))
    world.returns(25.0)
    world.run()
    assert text("openai", client, stream=False) == TEXT
    assert world.outcomes == ["Cut", "Connect", "Ok"]


def test_it_may_die_more_than_once() -> None:
    world = World()
    client = world.post()
    for number, address in enumerate([ELSEWHERE, HERE], 1):
        begun = 0.0 if number == 1 else 5.0
        world.dies(begun + after(2), 0.5)
        world.returns(number * 5.0, address)
    assert 10.0 <= world.run() <= 10.5
    assert text("openai", client) == TEXT
    assert world.outcomes == ["Cut", "Connect", "Cut", "Connect", "Ok"]


def test_endpoints_that_were_replaced_while_it_flowed_are_found() -> None:
    """The chain is looked at as it is now, not as it was when the stream began."""
    world = World()
    client = world.post()
    world.later(after(2), lambda: world.become(state("Ready", "Serving"), ELSEWHERE))
    world.later(after(3), lambda: world.kill(HERE))
    assert world.run() < 0.5
    assert text("openai", client) == TEXT
    assert world.outcomes == ["Cut", "Connect", "Ok"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(["json", "stream", "inside"]), min_size=1, max_size=6),
    st.lists(
        st.tuples(
            st.floats(0, 20), st.sampled_from(["dies", "dies unseen", "back", "back here", "loads", "broken", "gone"])
        ),
        max_size=8,
    ),
    st.sampled_from(sorted(PATHS)),
    st.sampled_from(["Spill", "Wait"]),
)
def test_whatever_becomes_of_it_everybody_gets_the_text_once_or_an_error(
    asked: list[str], changes: list[tuple[float, str]], dialect: str, on_cold: str
) -> None:
    world = World(fallback={"onCold": on_cold}, streaming={"inside": "inside" in asked})
    clients: list[tuple[bool, Client]] = []
    for number, kind in enumerate(asked):
        streams = kind == "stream"

        def ask(streams: bool = streams) -> None:
            if "role" in world.table.names:
                clients.append((streams, world.post(dialect, stream=streams)))

        world.later(number * 0.03, ask)
    for seconds, kind in changes:
        if kind.startswith("dies"):
            world.dies(seconds, None if kind == "dies unseen" else 0.4)
        elif kind.startswith("back"):
            world.returns(seconds, HERE if kind == "back here" else ELSEWHERE)
        elif kind == "loads":
            world.later(seconds, lambda: world.become(state("Loading")))
        else:
            world.later(seconds, lambda kind=kind: FOR_GOOD["broken" if kind == "broken" else "deleted"](world))
    seconds = world.run_all()
    assert seconds <= 21.0 + DEADLINE + 0.3
    assert world.idle()
    for streams, client in clients:
        assert client.whole is not None
        reply = told(dialect, client, stream=streams)
        if reply.error is None:
            assert (reply.text, reply.whole) == (TEXT, True)
        else:
            assert TEXT.startswith(reply.text)
            assert reply.status in (200, 404, 502, 503, 504)
    assert all(attempt.outcome is not Outcome.MALFORMED for attempt in world.attempts)

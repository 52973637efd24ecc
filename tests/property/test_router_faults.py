"""Whatever goes wrong at the endpoints, the caller gets the exact text once or a clear error, within the deadline."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from auriga_router.conversation import key_of
from auriga_router.routing.outcome import Outcome
from auriga_router.routing.ring import Ring
from support.http_router import chain, model
from support.replies import PATHS as NATIVE
from support.replies import TRANSLATED, body_for, told
from support.replies_calls import told_of_call
from support.simulation import AFTER, BEFORE, Client, Fault, Server, Simulation
from support.simulation_answers import ARGUMENTS, MOST, PROMPT, TEXT, WORDS

LIMITS = {"connect": "300ms", "firstToken": "1s", "stall": "400ms", "total": "20s"}
DEADLINE = 8.0
PROVIDERS = ("openaiCompatible", "anthropic")
ATTEMPTS = 6
FAULTS = st.one_of(
    st.sampled_from(BEFORE).map(Fault), st.builds(Fault, st.sampled_from(AFTER), st.integers(0, len(WORDS)))
)
ALL_PATHS = NATIVE | TRANSLATED
PATHS = {dialect: ALL_PATHS[dialect] for dialect in ("openai", "anthropic")}


def _simulation(
    *scripts: list[Fault],
    limits: dict[str, str] = LIMITS,
    deadline: float = DEADLINE,
    most: int = ATTEMPTS,
    provider: str = "",
    **spec: Any,
) -> Simulation:
    """m1 has two endpoints here, m2 is a provider: of OpenAI's dialect, or of another if ``provider`` says so."""
    servers = {f"10.0.0.{number}:80": Server(list(faults)) for number, faults in enumerate(scripts, 1)}
    *own, other = servers
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{other}/v1"}
    if provider == "anthropic":  # an older one: the newest do not go on where an answer ends
        external = {"provider": "anthropic", "model": "claude-3-5-haiku", "baseURL": f"http://{other}"}
    objects = [
        model("m1", timeouts=limits),
        model("m2", external=external, timeouts=limits),
        chain("role", "m1", "m2", fallback={"deadline": f"{deadline}s", "maxAttempts": most}, **spec),
    ]
    return Simulation(servers, *objects, endpoints={"m1": own})


def _body(dialect: str, *, stream: bool) -> dict[str, Any]:
    """A request that goes to the first endpoint first, if that is well: it is the home of its conversation."""
    ring = Ring(("10.0.0.1:80", "10.0.0.2:80"))
    bodies = (body_for(dialect, "role", stream=stream, about=f"count {number}") for number in range(100))
    body = next(body for body in bodies if ring.home(key_of(body)) == 0)
    body |= {"max_output_tokens" if dialect == "responses" else "max_tokens": MOST}
    return body | {"stream_options": {"include_usage": True}} if stream and dialect in ("openai", "plain") else body


def _check(simulation: Simulation, client: Client, dialect: str, *, stream: bool, stopped: bool = False) -> bool:
    """The reply is the answer, or says that it is none. Was it the answer?

    ``stopped``: it may have ended after the last word, before the endpoint told what it took.
    """
    assert client.whole is not None
    assert not simulation.world.timed
    assert not simulation.open
    for backend in simulation.table.backends.values():
        assert all(endpoint.in_flight == 0 for endpoint in backend.endpoints)
        assert (backend.slots.in_flight, backend.slots.waiting) == (0, 0)
    reply = told(dialect, client, stream=stream)
    if reply.error is None:
        assert (reply.status, reply.text) == (200, TEXT)
        assert stopped or reply.usage == (PROMPT, len(WORDS))
        return True
    if reply.status != 200:
        assert reply.whole
        assert reply.status in (502, 503, 504)
        assert len(reply.error["attempts"]) <= ATTEMPTS
    assert TEXT.startswith(reply.text)
    return False


@settings(max_examples=300, deadline=None)
@given(
    faults=st.lists(st.lists(FAULTS, max_size=4), min_size=3, max_size=3),
    stream=st.booleans(),
    inside=st.booleans(),
    dialect=st.sampled_from(sorted(ALL_PATHS)),
    world=st.tuples(
        st.sampled_from(PROVIDERS), st.sampled_from([0.3, 0.5, 1.1, 2.0, DEADLINE]), st.integers(1, ATTEMPTS)
    ),
)
@example(  # the same endpoint is cut, then stalls: it was hoped for after the one, and must not be after the other
    faults=[[Fault("hang")], [Fault("cut", 1), Fault("cut", 0), Fault("stall", 1)], [Fault("refused")]],
    stream=False,
    inside=True,
    dialect="anthropic",
    world=("openaiCompatible", DEADLINE, 5),
)
def test_the_exact_text_once_or_an_error_within_the_deadline(
    faults: list[list[Fault]], stream: bool, inside: bool, dialect: str, world: tuple[str, float, int]
) -> None:
    provider, deadline, most = world
    simulation = _simulation(*faults, deadline=deadline, most=most, provider=provider, streaming={"inside": inside})
    client = simulation.ask(_body(dialect, stream=stream), ALL_PATHS[dialect])
    seconds = simulation.run()
    answered = _check(simulation, client, dialect, stream=stream)
    breaks = sum(one.outcome in (Outcome.CUT, Outcome.STALL) for one in simulation.attempts)
    event(f"answered: {answered}, breaks: {breaks}")
    asked = [one.endpoint for one in simulation.attempts]
    stalled = [number for number, one in enumerate(simulation.attempts) if one.outcome is Outcome.STALL]
    believed = next((number for number in stalled if asked[number] != "10.0.0.3:80"), None)  # an engine that may hang
    assert not any(asked[number] in asked[number + 1 :] for number in stalled if number != believed)
    if believed is not None:
        again = [number for number in stalled if number > believed and asked[number] != "10.0.0.3:80"]
        assert not any(asked[believed] in asked[number + 1 :] for number in again)
    flowing = sum(one.milliseconds / 1000 for one in simulation.attempts if one.status == 200)
    assert seconds <= deadline + flowing + 0.1
    assert len(simulation.attempts) <= most


@settings(max_examples=200, deadline=None)
@given(
    faults=st.lists(FAULTS, min_size=1, max_size=2),
    stream=st.booleans(),
    inside=st.booleans(),
    dialect=st.sampled_from(sorted(ALL_PATHS)),
)
def test_nothing_is_lost_where_somebody_is_well(faults: list[Fault], stream: bool, inside: bool, dialect: str) -> None:
    """One endpoint fails once or twice; another of the same Model is well."""
    simulation = _simulation(faults, [], [], streaming={"inside": inside})
    client = simulation.ask(_body(dialect, stream=stream), ALL_PATHS[dialect])
    simulation.run()
    assert _check(simulation, client, dialect, stream=stream)
    assert len(faults) > len(simulation.servers["10.0.0.1:80"].faults)


@settings(max_examples=200, deadline=None)
@given(
    faults=st.lists(st.lists(FAULTS, max_size=3), min_size=3, max_size=3),
    shape=st.tuples(st.booleans(), st.booleans(), st.sampled_from(sorted(ALL_PATHS))),
    seconds=st.one_of(st.floats(0, 0.2), st.floats(0, 9)),
)
def test_when_the_router_stops_everybody_is_told_and_nothing_goes_on(
    faults: list[list[Fault]], shape: tuple[bool, bool, str], seconds: float
) -> None:
    stream, inside, dialect = shape
    simulation = _simulation(*faults, streaming={"inside": inside})
    client = simulation.ask(_body(dialect, stream=stream), ALL_PATHS[dialect])
    told_then: list[bytes] = []

    def stop() -> None:
        client.exchange.router_stops()
        assert not simulation.world.timed
        told_then.append(client.received)

    simulation.later(seconds, stop)
    simulation.run_all()
    _check(simulation, client, dialect, stream=stream, stopped=True)
    assert [client.received] == told_then, "something was said after the end"
    if b"shutting_down" in client.received:
        assert stream or b"HTTP/1.1 503 " in client.received


@pytest.mark.parametrize("seed", range(3))
def test_of_five_hundred_streams_with_faults_none_is_lost(seed: int) -> None:
    """The endpoints of the first member fail a fifth of their requests, in every way there is; the provider is well."""
    kinds = [Fault(kind) for kind in BEFORE if kind not in ("401", "404", "429", "hang")]
    kinds += [Fault(kind, after) for kind in AFTER for after in range(len(WORDS) + 1)]
    random = Random(seed)
    scripts = [[random.choice(kinds) if random.random() < 0.2 else Fault("slow") for _ in range(900)] for _ in range(2)]
    simulation = _simulation(*scripts, [], breaker={"failures": 1000})
    clients = [simulation.ask(_body("openai", stream=True)) for _ in range(500)]
    simulation.run()
    assert all(_check(simulation, client, "openai", stream=True) for client in clients)


@pytest.mark.parametrize("dialect", ALL_PATHS)
@pytest.mark.parametrize("after", range(1, len(WORDS) + 1))
@pytest.mark.parametrize("kind", AFTER)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_break_anywhere_is_mended(provider: str, kind: str, after: int, dialect: str) -> None:
    """First at an endpoint of the same Model, then at a provider, whatever broke."""
    if (provider, dialect) == ("anthropic", "plain"):
        provider = "openaiCompatible"  # Anthropic has no plain completions
    for servers in ([[Fault(kind, after)], [], []], [[Fault(kind, after)], [Fault("refused")] * 9, []]):
        simulation = _simulation(*servers, provider=provider)
        client = simulation.ask(_body(dialect, stream=True), ALL_PATHS[dialect])
        simulation.run()
        assert _check(simulation, client, dialect, stream=True)
        assert not simulation.servers["10.0.0.1:80"].faults


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("kind", AFTER)
def test_inside_what_nobody_can_go_on_with_is_begun_anew(kind: str, dialect: str) -> None:
    """The caller has seen nothing, so that another whole answer will do as well."""
    refuses = [Fault("500")]  # to go on
    simulation = _simulation([Fault(kind, 3)], refuses, refuses, streaming={"inside": True})
    client = simulation.ask(_body(dialect, stream=False), PATHS[dialect])
    simulation.run()
    assert _check(simulation, client, dialect, stream=False)


@pytest.mark.parametrize("dialect", PATHS)
def test_inside_an_endpoint_that_hangs_is_left_after_its_first_token_is_due(dialect: str) -> None:
    simulation = _simulation([Fault("hang")], [], [], streaming={"inside": True})
    client = simulation.ask(_body(dialect, stream=False), PATHS[dialect])
    assert simulation.run() <= 1.3
    assert _check(simulation, client, dialect, stream=False)


def test_inside_an_endpoint_that_stalled_is_not_asked_anew() -> None:
    simulation = _simulation([Fault("stall", 3)] * 3, [Fault("500")], [Fault("500")], streaming={"inside": True})
    client = simulation.ask(_body("openai", stream=False))
    simulation.run()
    assert _check(simulation, client, "openai", stream=False)
    stalled = [one.endpoint for one in simulation.attempts if one.outcome is Outcome.STALL]
    assert len(stalled) == len(set(stalled))


LIMITED = {
    "connect": (Fault("no connection"), 0.3, Outcome.CONNECT),
    "first token": (Fault("hang"), 1.0, Outcome.TIMEOUT),
    "stall": (Fault("stall", 3), 0.4, Outcome.STALL),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_limits_are_kept_within_a_tenth_of_a_second(limit: str) -> None:
    fault, seconds, outcome = LIMITED[limit]
    simulation = _simulation([fault], [fault], [fault])
    simulation.ask(_body("openai", stream=True))
    simulation.run()
    first = simulation.attempts[0]
    silent = first.milliseconds / 1000 - (0.002 + 4 * 0.01 if limit == "stall" else 0.0)
    assert first.outcome is outcome
    assert seconds <= silent + 0.01
    assert silent <= seconds + 0.1


def test_who_goes_on_may_not_stall_for_longer_either() -> None:
    """The second one is asked for the prompt first, then for the rest."""
    simulation = _simulation([Fault("stall", 3)], [Fault("slow"), Fault("stall", 2)], [])
    client = simulation.ask(_body("openai", stream=True))
    simulation.run()
    assert _check(simulation, client, "openai", stream=True)
    assert [one.outcome for one in simulation.attempts] == [Outcome.STALL, Outcome.STALL, Outcome.OK]
    silent = simulation.attempts[1].milliseconds / 1000 - (0.5 + 0.002 + 2 * 0.01)
    assert 0.39 <= silent <= 0.51


def test_the_deadline_is_kept_within_a_tenth_of_a_second() -> None:
    hang = [Fault("hang")] * 9
    simulation = _simulation(hang, hang, hang)
    for server in simulation.servers.values():
        server.faults = [Fault("slow"), *hang]
    client = simulation.ask(_body("openai", stream=False))
    assert simulation.run() <= DEADLINE + 0.1
    assert client.whole is not None


def test_a_break_is_mended_in_what_was_left_of_the_deadline() -> None:
    """A second went by before the first content: 0.6 are left, less than the next one's first token might take."""
    simulation = _simulation([Fault("hang")], [Fault("cut", 3)], [Fault("hang")], deadline=1.6)
    simulation.servers["10.0.0.1:80"].faults = [Fault("hang")] * 9
    client = simulation.ask(_body("openai", stream=True))
    assert 1.6 <= simulation.run() <= 1.8
    assert not _check(simulation, client, "openai", stream=True)
    assert [one.outcome for one in simulation.attempts] == [Outcome.TIMEOUT, Outcome.CUT, Outcome.TIMEOUT]


def test_a_stream_that_takes_longer_than_the_stall_limit_is_none() -> None:
    simulation = _simulation([Fault("slow")], [], [], limits=LIMITS | {"stall": "60ms"})
    client = simulation.ask(_body("openai", stream=True))
    simulation.run()
    assert _check(simulation, client, "openai", stream=True)
    assert [one.outcome for one in simulation.attempts] == [Outcome.OK]


def test_the_deadline_stands_still_while_content_flows() -> None:
    """What is left of it is for mending, also when more time than that has passed in all."""
    simulation = _simulation([Fault("cut", 7)], [], [], deadline=0.06)
    client = simulation.ask(_body("openai", stream=True))
    assert simulation.run() > 0.06
    assert _check(simulation, client, "openai", stream=True)


def test_total_counts_from_the_beginning_of_the_attempt() -> None:
    simulation = _simulation([Fault("slow")], [], [], limits=LIMITS | {"firstToken": "520ms", "total": "550ms"})
    client = simulation.ask(_body("openai", stream=True))
    simulation.run()
    first = simulation.attempts[0]
    assert first.outcome is Outcome.TIMEOUT
    assert 550 <= first.milliseconds <= 650
    assert not _check(simulation, client, "openai", stream=True)


@pytest.mark.parametrize("dialect", ALL_PATHS)
@pytest.mark.parametrize("moment", [0.0005, 0.004])
def test_who_does_not_read_when_the_answer_begins_holds_its_endpoint_back(moment: float, dialect: str) -> None:
    """It was told so before there was a connection, or a response: no more than the beginning comes, and no stall."""
    simulation = _simulation([], [], [])
    client = simulation.ask(_body(dialect, stream=True), ALL_PATHS[dialect])
    seen: list[int] = []

    def reads() -> None:
        seen.append(sum(word.strip().encode() in client.received for word in WORDS))
        client.exchange.client_resumed()

    simulation.later(moment, client.exchange.client_paused)
    simulation.later(5.0, reads)
    assert 5.0 <= simulation.run() <= 5.2
    assert seen[0] <= 1
    assert _check(simulation, client, dialect, stream=True)
    assert [one.outcome for one in simulation.attempts] == [Outcome.OK]


@pytest.mark.parametrize("dialect", ALL_PATHS)
def test_a_stall_is_noticed_behind_a_caller_who_did_not_keep_up(dialect: str) -> None:
    """While the caller reads nothing there is no stall, however long; from then on there is."""
    simulation = _simulation([Fault("stall", 3)], [], [])
    client = simulation.ask(_body(dialect, stream=True), ALL_PATHS[dialect])
    simulation.later(0.06, client.exchange.client_paused)
    simulation.later(5.0, client.exchange.client_resumed)
    assert 5.4 <= simulation.run() <= 5.6
    assert _check(simulation, client, dialect, stream=True)
    assert simulation.attempts[0].outcome is Outcome.STALL


@settings(max_examples=200, deadline=None)
@given(
    faults=st.lists(st.lists(FAULTS, max_size=3), min_size=3, max_size=3),
    stream=st.booleans(),
    inside=st.booleans(),
    dialect=st.sampled_from(sorted(ALL_PATHS)),
    moment=st.floats(0, 2),
)
def test_who_goes_away_at_any_moment_leaves_nothing_behind(
    faults: list[list[Fault]], stream: bool, inside: bool, dialect: str, moment: float
) -> None:
    simulation = _simulation(*faults, streaming={"inside": inside})
    client = simulation.ask(_body(dialect, stream=stream), ALL_PATHS[dialect])
    gone = False

    def goes() -> None:
        nonlocal gone
        gone = client.whole is None
        if gone:
            client.exchange.client_gone()
            client.whole = False

    simulation.later(moment, goes)
    simulation.run()
    assert not simulation.open
    for backend in simulation.table.backends.values():
        assert not any(endpoint.in_flight for endpoint in backend.endpoints)
        assert (backend.slots.in_flight, backend.slots.waiting) == (0, 0)
    cancelled = [one for one in simulation.attempts if one.outcome is Outcome.CANCELLED]
    assert len(cancelled) <= gone  # it may have waited, too


@settings(max_examples=200, deadline=None)
@given(
    faults=st.lists(st.lists(FAULTS, max_size=3), min_size=3, max_size=3),
    dialect=st.sampled_from(sorted(ALL_PATHS)),
    moments=st.lists(st.floats(0, 2), max_size=6).map(sorted),
)
def test_who_reads_by_fits_and_starts_gets_the_same(
    faults: list[list[Fault]], dialect: str, moments: list[float]
) -> None:
    simulation = _simulation(*faults)
    client = simulation.ask(_body(dialect, stream=True), ALL_PATHS[dialect])
    for number, moment in enumerate(moments):
        exchange = client.exchange
        simulation.later(moment, exchange.client_resumed if number % 2 else exchange.client_paused)
    simulation.later(2.0, client.exchange.client_resumed)
    simulation.run()
    _check(simulation, client, dialect, stream=True)


SCHEMA = {"type": "object"}
TOOLS: dict[str, dict[str, Any]] = {
    "openai": {"type": "function", "function": {"name": "f", "parameters": SCHEMA}},
    "anthropic": {"name": "f", "input_schema": SCHEMA},
    "responses": {"type": "function", "name": "f", "parameters": SCHEMA},
}
CALL_PIECES = 4


@pytest.mark.parametrize("dialect", TOOLS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("after", range(len(WORDS) + CALL_PIECES + 1))
@pytest.mark.parametrize("kind", AFTER)
def test_a_call_is_whole_or_an_error_wherever_it_breaks(
    kind: str, after: int, inside: bool, stream: bool, dialect: str
) -> None:
    """Text before the call goes on elsewhere; a call that has begun to leave never does."""
    simulation = _simulation([Fault(kind, after)], [], [], streaming={"inside": inside})
    for server in simulation.servers.values():
        server.calls = True
    client = simulation.ask(_body(dialect, stream=stream) | {"tools": [TOOLS[dialect]]}, ALL_PATHS[dialect])
    simulation.run()
    reply = told_of_call(dialect, client, stream=stream)
    begun = stream and len(WORDS) < after
    assert (reply.whole, reply.error is not None) == (not begun, begun)
    assert reply.text == TEXT
    assert ARGUMENTS.startswith(reply.arguments) if begun else json.loads(reply.arguments) == json.loads(ARGUMENTS)
    assert stream is False or begun or reply.arguments == ARGUMENTS


@pytest.mark.parametrize(("kinds", "requests"), [(["reset"] * 3, 2), (["head and no more", "reset"], 1)])
def test_a_kept_connection_is_doubted_once_and_only_if_it_said_nothing(kinds: list[str], requests: int) -> None:
    """What the endpoint has begun to answer it may have done: that is never sent again to it."""
    simulation = _simulation([Fault(kind) for kind in kinds], [], [])
    simulation.kept = True
    client = simulation.ask(_body("openai", stream=True))
    simulation.run()
    assert _check(simulation, client, "openai", stream=True)
    assert simulation.servers["10.0.0.1:80"].requests == requests
    assert [one.outcome for one in simulation.attempts] == [Outcome.CONNECT, Outcome.OK]

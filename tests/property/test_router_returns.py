"""A Model's only endpoint dies and is started again, in a world with its own clock: who waits, how long, for what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriga_api import Model, RoleChain
from auriga_api.model import ModelStatus
from auriga_router.routing.outcome import Outcome
from auriga_router.snapshot import Snapshot
from support import grammar_responses
from support.http_router import chain, model, snapshot
from support.replies import PATHS, Told, body_for, received, told
from support.simulation import Client, Fault, Server, Simulation
from support.simulation_answers import TEXT, WORDS

HERE, ELSEWHERE, OTHER = "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"
DEADLINE = 30.0
MISSED = {"onBreak": "Error"}


def state(phase: str, reason: str = "", message: str = "") -> ModelStatus:
    ready = "True" if phase in ("Ready", "Degraded") else "False"
    condition = {"type": "Ready", "status": ready, "reason": reason or phase, "message": message}
    return ModelStatus.model_validate({"phase": phase, "conditions": [condition]})


CRASHED = state("Failed", "EngineCrashed", "llama-server ended with 137")


def served(name: str = "m1", now: ModelStatus | None = None, **spec: Any) -> Model:
    return model(name, **spec).model_copy(update={"status": now or state("Ready", "Serving")})


class World(Simulation):
    """A Model m1 with one endpoint, and what is beside it."""

    def __init__(self, *beside: Model | RoleChain, spec: Any = None, **chained: Any) -> None:
        super().__init__({HERE: Server(), ELSEWHERE: Server(), OTHER: Server()}, endpoints={})
        members = ["m1", *(item.metadata.name for item in beside if isinstance(item, Model))]
        chained["fallback"] = {"deadline": f"{DEADLINE}s", **chained.get("fallback", {})}
        self.spec = spec or {}
        self.objects = [*beside, chain("role", *members, **chained)]
        self.become(state("Ready", "Serving"), HERE)

    def snapshot(self, now: ModelStatus | None, *endpoints: str, **spec: Any) -> Snapshot:
        kept = [item for item in self.objects if item.metadata.name != "m1"]
        others = {item.metadata.name: OTHER for item in kept if isinstance(item, Model) and item.spec.source}
        return snapshot(served("m1", now, **self.spec, **spec), *kept, endpoints={"m1": endpoints, **others})

    def become(self, now: ModelStatus | None, *endpoints: str, **spec: Any) -> None:
        """The Model is so from now on, and at these addresses."""
        self.apply(self.snapshot(now, *endpoints, **spec))

    def dies(self, at: float, seen: float | None = 1.0, now: ModelStatus = CRASHED, **spec: Any) -> None:
        """Its endpoint does, which is seen so many seconds later, or never."""
        self.later(at, lambda: self.kill(HERE, ELSEWHERE))
        if seen is not None:
            self.later(at + seen, lambda: self.become(now, **spec))

    def returns(self, at: float, address: str = ELSEWHERE) -> None:
        def up() -> None:
            self.servers[address].dead = False
            self.become(state("Ready", "Serving"), address)

        self.later(at, up)

    def post(self, dialect: str = "openai", *, name: str = "role", stream: bool = True) -> Client:
        return self.ask(body_for(dialect, name, stream=stream), PATHS[dialect])

    @property
    def outcomes(self) -> list[str]:
        return [attempt.outcome.value for attempt in self.attempts]

    def idle(self) -> bool:
        backends: Iterable[Any] = self.table.backends.values()
        return all((one.slots.waiting, one.slots.in_flight) == (0, 0) for one in backends)


def after(words: int, dialect: str = "openai") -> float:
    """When so many words of a stream are out."""
    before = {"openai": 1, "anthropic": 2, "plain": 0}[dialect]
    return 0.003 + (before + words + 0.5) * 0.01


def text(dialect: str, client: Client, *, stream: bool = True) -> str:
    """Of a reply that must be whole."""
    reply = told(dialect, client, stream=stream)
    assert (reply.status, reply.whole, reply.error) == (200, True, None)
    return reply.text


def broken(dialect: str, client: Client) -> Told:
    """A stream that must have ended with an error."""
    reply = told(dialect, client, stream=True)
    assert (reply.status, reply.whole) == (200, False)
    assert reply.error is not None
    assert TEXT.startswith(reply.text)
    return reply


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


@pytest.mark.parametrize("words", [0, 3])
def test_it_is_waited_for_until_the_deadline(words: int) -> None:
    world = World()
    client = world.post()
    quiet: list[Client] = []
    world.later(after(words) if words else 0.0005, lambda: quiet.append(world.post(stream=False)))
    world.dies(after(words) if words else 0.001)
    assert DEADLINE <= world.run() <= DEADLINE + after(words) + 0.1
    assert broken("openai", client).text == "".join(WORDS[:words])
    assert told("openai", quiet[0], stream=False).status == 504
    assert world.idle()


FOR_GOOD: dict[str, Any] = {
    "broken": lambda world: world.become(state("Failed", "WeightsInvalid", "they are broken")),
    "at zero": lambda world: world.become(state("ScaledToZero"), replicas=0),
    "suspended": lambda world: world.become(state("Suspended"), suspended=True),
    "deleted": lambda world: world.apply(snapshot(world.objects[-1])),
    "everything deleted": lambda world: world.apply(snapshot()),
}


@pytest.mark.parametrize("when", [0.1, 3.0])
@pytest.mark.parametrize("words", [0, 3])
@pytest.mark.parametrize("why", FOR_GOOD)
def test_what_does_not_come_back_is_not_waited_for(why: str, words: int, when: float) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001, 0.05)
    world.later(when, lambda: FOR_GOOD[why](world))
    assert world.run() <= when + 0.3, "at once, or a look later"
    if words:
        assert "broke off (Cut)" in broken("openai", client).error["message"]  # type: ignore[index]
    else:
        assert told("openai", client, stream=False).status == 502
    assert world.idle()


def test_an_engine_that_crashes_again_and_again_is_waited_for_five_minutes() -> None:
    world = World(fallback={"deadline": "1h"})
    client = world.post()
    world.dies(after(3), 1.0)
    for number in range(2, 60):
        world.later(10.0 * number, lambda: world.become(CRASHED))
    assert 301.0 <= world.run() <= 307.0
    broken("openai", client)
    late = world.post(stream=False)
    assert world.run() < 0.1
    assert told("openai", late, stream=False).status == 503


@pytest.mark.parametrize("words", [0, 3])
@pytest.mark.parametrize("back", [None, 2.0, 7.0])
def test_an_endpoint_that_stays_in_the_snapshot_is_asked_once_more_after_five_seconds(
    words: int, back: float | None
) -> None:
    """As one that is written down and that nobody looks after."""
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001, None)
    if back is not None:
        world.later(back, lambda: setattr(world.servers[HERE], "dead", False))
    seconds = world.run()
    assert 5.0 <= seconds <= 5.8
    if back == 2.0:
        assert text("openai", client) == TEXT
        assert world.outcomes == [*(["Cut"] if words else []), "Connect", "Ok"]
    elif words:
        broken("openai", client)
        assert world.outcomes == ["Cut", "Connect", "Connect"]
    else:
        assert told("openai", client, stream=False).status == 502
        assert world.outcomes == ["Connect", "Connect"]


def test_those_that_a_breaker_keeps_from_an_endpoint_that_is_back_go_on_one_after_the_other() -> None:
    world = World(breaker={"failures": 1})
    clients = [world.post() for _ in range(5)]
    world.dies(after(3), None)
    world.later(2.0, lambda: setattr(world.servers[HERE], "dead", False))
    assert world.run() <= 7.0
    assert [text("openai", client) for client in clients] == [TEXT] * 5


@pytest.mark.parametrize("words", [0, 3])
def test_however_many_wait_for_an_endpoint_that_is_dead_for_good_none_does_for_longer(words: int) -> None:
    """Its breaker lets one in at a time: what that one finds out, all know."""
    world = World(spec={"engine": {"parallel": 200}})
    asked: list[tuple[float, Client]] = []

    def ask() -> None:
        asked.append((world.now, world.post()))

    for number in range(200):
        world.later(number * 0.0001 if words else number * 0.05, ask)
    world.dies(after(words) if words else 0.0, None)
    ended: dict[int, float] = {}
    for look in range(200):
        moment = look * 0.1

        def note() -> None:
            for number, (_, client) in enumerate(asked):
                if client.whole is not None:
                    ended.setdefault(number, world.now)

        world.later(moment, note)
    world.run_all()
    assert len(ended) == 200
    assert max(ended[number] - begun for number, (begun, _) in enumerate(asked)) < 6.0
    assert sum(outcome == "Connect" for outcome in world.outcomes) <= 400
    assert world.idle()


@pytest.mark.parametrize("stream", [False, True])
def test_another_member_that_can_answer_again_is_not_waited_past(stream: bool) -> None:
    world = World(served("m2"), spec={"limits": {"maxQueued": 1}})
    world.become(CRASHED)
    world.servers[OTHER].faults = [Fault("429 for 3")]
    world.post(name="m2")
    world.run()
    client = world.post(stream=stream)
    world.returns(25.0)
    assert 2.9 <= world.run() <= 5.2
    assert text("openai", client, stream=stream) == TEXT
    assert world.idle()


def test_but_it_is_where_the_chain_waits_for_a_cold_one() -> None:
    world = World(served("m2"), spec={"limits": {"maxQueued": 1}}, fallback={"onCold": "Wait"})
    world.become(state("Loading"))
    client = world.post()
    world.returns(12.0)
    assert 12.0 <= world.run() <= 12.5
    assert text("openai", client) == TEXT
    assert world.servers[OTHER].requests == 0


def test_those_who_have_begun_and_wait_for_a_slot_wait_on() -> None:
    world = World(spec={"engine": {"parallel": 1}})
    clients = [world.post()]
    world.later(0.001, lambda: clients.append(world.post(stream=False)))
    world.dies(after(3), 0.1)
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client, stream=number == 0) for number, client in enumerate(clients)] == [TEXT] * 2
    assert world.idle()


def test_a_provider_is_nobody_elses_to_start_again() -> None:
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{OTHER}/v1"}
    refused, cut = Fault("refused"), Fault("cut", 3)
    for faults, outcomes in (([refused], ["Connect"]), ([cut, refused], ["Cut", "Connect"])):
        world = World()
        world.apply(snapshot(model("m1", external=external), *world.objects))
        world.servers[OTHER].faults = list(faults)
        world.post()
        assert world.run() < 0.2
        assert world.outcomes == outcomes


@pytest.mark.parametrize("on_cold", ["Spill", "Wait"])
@pytest.mark.parametrize("able", [True, False])
def test_other_members_are_asked_first(able: bool, on_cold: str) -> None:
    prefill = {"capabilities": ["chat", *(["prefill"] if able else [])]}
    world = World(served("m2", **prefill), fallback={"onCold": on_cold})
    client = world.post()
    world.dies(after(3), 0.0)
    world.returns(8.0)
    seconds = world.run()
    assert text("openai", client) == TEXT
    assert seconds < 0.5 if able else 8.0 <= seconds <= 8.4
    assert world.servers[OTHER].requests == (2 if able else 0)


@pytest.mark.parametrize("stream", [False, True])
def test_who_would_wait_for_a_cold_member_does_not_for_one_that_crashed(stream: bool) -> None:
    """``onCold: Wait`` is for starts that go well; where somebody else can answer, a crash is a failure."""
    world = World(served("m2"), fallback={"onCold": "Wait"})
    world.become(state("Loading"))
    waits = world.post(stream=stream)
    world.later(2.0, lambda: world.become(CRASHED))
    assert 2.0 <= world.run() <= 2.3
    assert text("openai", waits, stream=stream) == TEXT
    late = world.post(stream=stream)
    assert world.run() <= 0.3
    assert text("openai", late, stream=stream) == TEXT
    assert world.servers[OTHER].requests == 2


@pytest.mark.parametrize("longest", [0, 1])
def test_a_begun_stream_has_a_place_in_the_queue_however_long_it_is(longest: int) -> None:
    world = World(spec={"limits": {"maxQueued": longest}})
    clients = [world.post() for _ in range(3)]
    world.dies(after(3))
    refused: list[Client] = []
    for second in (2.0, 2.1):
        world.later(second, lambda: refused.append(world.post(stream=False)))
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client) for client in clients] == [TEXT] * 3
    assert [told("openai", client, stream=False).status for client in refused] == [503, 503]


def test_a_member_that_is_asleep_may_be_back_first() -> None:
    asleep = served("m2", state("ScaledToZero"), autoscaling={"minReplicas": 0, "maxReplicas": 1})
    world = World(asleep)
    awake, world.objects = world.objects, [asleep, world.objects[-1]]
    world.apply(snapshot(served(), *world.objects, endpoints={"m1": HERE}))
    client = world.post()
    world.later(after(3), lambda: world.kill(HERE))
    world.later(1.0, lambda: world.apply(snapshot(served("m1", CRASHED), *world.objects)))
    world.later(6.0, lambda: world.apply(snapshot(served("m1", CRASHED), *awake, endpoints={"m2": OTHER})))
    assert 6.0 <= world.run() <= 6.4
    assert text("openai", client) == TEXT
    assert world.table.backends["default/m2"].slots.requests == 2, "woken, and asked"


@pytest.mark.parametrize("dialect", PATHS)
def test_the_client_is_told_that_it_waits(dialect: str) -> None:
    world = World()
    client = world.post(dialect)
    world.dies(after(3))
    lengths: list[int] = []
    world.later(10.0, lambda: lengths.append(len(client.received)))
    world.later(0.9, lambda: lengths.append(len(client.received)))
    world.returns(25.0)
    world.run()
    assert text(dialect, client) == TEXT
    assert lengths[0] == lengths[1], "a restart that is short needs no words"
    assert client.received.count(b": m1 Failed\n") == 2
    assert client.received.count(b"event: ping") == (2 if dialect == "anthropic" else 0)
    assert client.received.count(b"HTTP/1.1") == 1


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


@pytest.mark.parametrize("gone", [0.3, 3.0, 15.0])
@pytest.mark.parametrize("words", [0, 3])
def test_a_client_that_hangs_up_is_forgotten_at_once(gone: float, words: int) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001)
    world.later(gone, client.exchange.client_gone)
    assert world.run() <= gone + 0.1
    assert world.idle()
    world.returns(1.0)
    world.run_all()
    assert world.servers[ELSEWHERE].requests == 0


@pytest.mark.parametrize("stops", [0.3, 3.0, 15.0])
@pytest.mark.parametrize("words", [0, 3])
def test_a_router_that_stops_tells_who_waits(stops: float, words: int) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001)
    world.later(stops, client.exchange.router_stops)
    world.run()
    if words or stops > 10.0:
        assert "stopping" in str(told("openai", client, stream=True).error)
    else:
        assert told("openai", client, stream=False).status == 503
    assert world.idle()


@pytest.mark.parametrize(("most", "outcomes"), [(1, ["Cut"]), (2, ["Cut", "Connect"]), (3, ["Cut", "Connect", "Ok"])])
def test_attempts_are_counted(most: int, outcomes: list[str]) -> None:
    world = World(fallback={"maxAttempts": most})
    client = world.post()
    world.dies(after(3))
    world.returns(8.0)
    seconds = world.run()
    assert world.outcomes == outcomes
    if most < 3:
        assert seconds < 0.2, "whoever has no attempt left need not wait"
        broken("openai", client)
    else:
        assert text("openai", client) == TEXT


def test_a_chain_that_ends_at_a_break_or_at_a_refusal_does_not_wait() -> None:
    world = World(streaming=MISSED)
    client = world.post()
    world.dies(after(3))
    assert world.run() < 0.2
    broken("openai", client)
    strict = World(fallback={"onOutcomes": ["Timeout"]})
    client = strict.post()
    strict.dies(0.001)
    assert strict.run() < 0.2
    assert told("openai", client, stream=False).status == 502


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


@pytest.mark.parametrize("seen", [0.01, 1.0])
def test_what_engines_seem_to_die_of_is_given_up_and_a_stream_beside_it_goes_on(seen: float) -> None:
    world = World()
    stream = world.post()
    poison: list[Client] = []
    world.later(after(3), lambda: poison.append(world.post(stream=False)))
    world.dies(after(3) + 0.002, seen)
    world.returns(5.0)
    world.dies(5.002, seen)
    world.returns(10.0, HERE)
    world.run_all()
    assert told("openai", poison[0], stream=False).status == 502
    assert text("openai", stream) == TEXT
    assert [one.outcome.value for one in world.attempts if not one.stream] == ["Connect", "Connect"]
    assert [one.outcome.value for one in world.attempts if one.stream] == ["Cut", "Connect", "Connect", "Ok"]


def test_fifty_streams_go_on() -> None:
    world = World(spec={"engine": {"parallel": 50}}, fallback={"deadline": "10m"})
    clients = [world.post() for _ in range(50)]
    late: list[Client] = []
    world.dies(after(3))
    world.later(3.0, lambda: late.append(world.post(stream=False)))
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client) for client in clients] == [TEXT] * 50
    assert text("openai", late[0], stream=False) == TEXT
    assert world.idle()


def test_endpoints_that_were_replaced_while_it_flowed_are_found() -> None:
    """The chain is looked at as it is now, not as it was when the stream began."""
    world = World()
    client = world.post()
    world.later(after(2), lambda: world.become(state("Ready", "Serving"), ELSEWHERE))
    world.later(after(3), lambda: world.kill(HERE))
    assert world.run() < 0.5
    assert text("openai", client) == TEXT
    assert world.outcomes == ["Cut", "Connect", "Ok"]


def test_a_member_that_woke_while_another_one_failed_is_asked_at_once() -> None:
    """Not waited for, as it was when the request came."""
    asleep = served("m1", state("ScaledToZero"), autoscaling={"minReplicas": 0, "maxReplicas": 1})
    world = World(served("m2", timeouts={"firstToken": "5s"}))
    world.apply(snapshot(asleep, *world.objects, endpoints={"m2": OTHER}))
    world.servers[OTHER].faults = [Fault("hang")]
    client = world.post()
    world.later(2.0, lambda: world.become(state("Ready", "Serving"), HERE))
    assert 5.0 <= world.run() <= 5.3
    assert text("openai", client) == TEXT


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


@pytest.mark.parametrize("deadline", [1.03, 1.11, 1.17, 2.05])
def test_the_deadline_is_kept_between_two_looks_at_what_became_of_it(deadline: float) -> None:
    world = World(fallback={"deadline": f"{deadline}s"})
    world.dies(0.0, seen=None)
    client = world.post(stream=False)
    assert deadline <= world.run() <= deadline + 0.1
    assert client.whole is not None


def test_who_has_waited_and_fails_waits_before_those_who_came_later() -> None:
    """Its endpoint fails at its turn, and the slots are taken again: it is the next for all that."""
    world = World(spec={"engine": {"parallel": 1}})
    world.become(state("Ready", "Serving"), HERE, ELSEWHERE)
    order: list[str] = []
    world.servers[ELSEWHERE].faults = [Fault("slow")] * 9
    world.servers[HERE].faults = [Fault("slow"), Fault("500"), *[Fault("slow")] * 9]
    for name in "abcdefgh":
        note(order, name, world.post(stream=False))
    world.run()
    assert world.outcomes == ["Ok", "Ok", "ServerError", *["Ok"] * 6]
    assert order == list("abcedfgh"), "d failed and e took the slot"


def note(order: list[str], name: str, client: Client) -> None:
    """Note when its reply is whole."""
    done = client.done

    def noting(*, keep_alive: bool) -> None:
        order.append(name)
        done(keep_alive=keep_alive)

    client.done = noting  # type: ignore[method-assign]

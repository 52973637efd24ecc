"""Models that start because they are asked, in a world with its own clock: who waits, how long, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_api import Model, RoleChain
from auriga_api.model import ModelStatus
from auriga_api.model_status import ENGINE_SAID
from auriga_router.snapshot import Snapshot
from support import grammar_chat, grammar_messages
from support.http_router import chain, model, snapshot
from support.simulation import Client, Fault, Server, Simulation
from support.simulation_answers import TEXT

SCALING = {"minReplicas": 0, "maxReplicas": 3}
PATHS = {"openai": b"/v1/chat/completions", "anthropic": b"/v1/messages"}
WARM = "10.0.0.1:80"
OTHER = "10.0.0.2:80"


def status(phase: str, reason: str = "", message: str = "", **more: Any) -> ModelStatus:
    ready = {"type": "Ready", "status": "False", "reason": reason or phase, "message": message}
    return ModelStatus.model_validate({"phase": phase, "conditions": [ready], **more})


def cold(name: str = "m1", state: ModelStatus | None = None, **spec: Any) -> Model:
    given = {"autoscaling": SCALING, "engine": {"parallel": 4}, **spec}
    now = state or status("ScaledToZero", message="nobody asks: the next request starts it")
    return model(name, **{key: value for key, value in given.items() if value is not None}).model_copy(
        update={"status": now}
    )


class World(Simulation):
    """A Model m1 that sleeps, and what is beside it."""

    def __init__(self, *objects: Model | RoleChain, endpoints: Any = None) -> None:
        super().__init__({WARM: Server(), OTHER: Server()}, endpoints={})
        self.objects, self.endpoints = objects, endpoints or {}
        self.apply(self.state())

    def state(self, *changed: Model | RoleChain, **endpoints: str) -> Snapshot:
        names = {(item.kind, item.metadata.name) for item in changed}
        kept = [item for item in self.objects if (item.kind, item.metadata.name) not in names]
        self.objects, self.endpoints = (*kept, *changed), {**self.endpoints, **endpoints}
        return snapshot(*self.objects, endpoints=self.endpoints)

    def change(self, seconds: float, *changed: Model | RoleChain, **endpoints: str) -> None:
        """After so long the world is another one."""
        self.later(seconds, lambda: self.apply(self.state(*changed, **endpoints)))

    def wanted(self, name: str) -> int:
        return self.table.backends[f"default/{name}"].slots.requests

    def post(self, name: str = "role", dialect: str = "openai", *, stream: bool = False) -> Client:
        more = {"max_tokens": 100} if dialect == "anthropic" else {}
        turns = [{"role": "user", "content": "count"}]
        return self.ask({"model": name, "stream": stream, "messages": turns, **more}, PATHS[dialect])


def whole(client: Client) -> tuple[int, dict[str, Any], bytes]:
    """Status, document and head of a reply that is not streamed."""
    assert client.whole is not None
    head, _, body = client.received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body), head


def text_of(client: Client) -> str:
    status, document, _ = whole(client)
    assert status == 200
    return str(document["choices"][0]["message"]["content"])


def streamed(client: Client) -> tuple[bytes, bytes]:
    """Head and body (without its chunks, as far as they go) of a stream."""
    assert client.whole is not None
    head, _, rest = client.received.partition(b"\r\n\r\n")
    body = b""
    while rest and not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return head, body


def said(dialect: str, body: bytes) -> tuple[str, dict[str, Any] | None]:
    if dialect == "openai":
        chat = grammar_chat.read(body)
        return (chat.choices[0].texts["content"] if chat.choices else ""), chat.error
    messages = grammar_messages.read(body)
    return "".join(block["text_of_deltas"] for block in messages.blocks), messages.error


def _noting(order: list[int], number: int, done: Callable[..., None]) -> Callable[..., None]:
    def note(*, keep_alive: bool) -> None:
        order.append(number)
        done(keep_alive=keep_alive)

    return note


def test_fifty_callers_wait_and_all_are_answered_in_order() -> None:
    """With four slots; the router adds nothing to what the start and the answers take."""
    world = World(cold())
    clients = [world.post("m1") for _ in range(50)]
    assert world.table.backends["default/m1"].slots.waiting == 50
    assert world.wanted("m1") == 50
    order: list[int] = []
    for number, client in enumerate(clients):
        client.done = _noting(order, number, client.done)  # type: ignore[method-assign]
    world.change(20.0, m1=WARM)
    seconds = world.run()
    assert [text_of(client) for client in clients] == [TEXT] * 50
    assert order == list(range(50))
    one = World(cold(), endpoints={"m1": WARM})
    one.post("m1")
    alone = one.run()
    assert seconds <= 20.0 + 13 * alone + 0.1, "thirteen rounds of four"


@pytest.mark.parametrize("on_cold", ["Spill", "Wait"])
@pytest.mark.parametrize("how", ["alone", "asleep", "unable", "failing"])
def test_who_has_nobody_else_waits_whatever_the_chain_says(on_cold: str, how: str) -> None:
    others: dict[str, tuple[Model, dict[str, str]]] = {
        "asleep": (cold("m2", autoscaling=None, replicas=0), {}),
        "unable": (model("m2", capabilities=["embeddings"]), {"m2": OTHER}),
        "failing": (model("m2"), {"m2": OTHER}),
    }
    members = [others[how][0]] if how in others else []
    world = World(
        cold(), *members, chain("role", "m1", *(["m2"] if members else []), fallback={"onCold": on_cold}),
        endpoints=others[how][1] if how in others else {},
    )  # fmt: skip
    world.servers[OTHER].faults = [Fault("500")] * 9
    client = world.post()
    world.change(30.0, m1=WARM)
    assert 30.0 <= world.run() <= 31.0
    assert text_of(client) == TEXT
    assert world.wanted("m1") == 2, "it found it cold, and was sent to it"


def test_spill_is_answered_by_the_next_and_wakes_the_first() -> None:
    world = World(cold(), model("m2"), chain("role", "m1", "m2"), endpoints={"m2": OTHER})
    client = world.post()
    assert world.run() < 1.0
    assert text_of(client) == TEXT
    assert b"x-auriga-model: m2" in whole(client)[2]
    assert (world.wanted("m1"), world.wanted("m2")) == (1, 1)
    behind = World(cold(), model("m2"), chain("role", "m2", "m1"), endpoints={"m2": OTHER})
    behind.post()
    behind.run()
    assert behind.wanted("m1") == 0, "nobody needed it"


def test_a_sleeping_member_behind_one_that_fails_is_woken() -> None:
    world = World(
        cold(), model("m2"), model("m3"), chain("role", "m2", "m1", "m3"), endpoints={"m2": OTHER, "m3": WARM}
    )
    world.servers[OTHER].faults = [Fault("500")]
    client = world.post()
    world.run()
    assert b"x-auriga-model: m3" in whole(client)[2]
    assert world.wanted("m1") == 1


def test_what_is_not_asked_is_not_woken() -> None:
    excluded = chain("role", {"model": "m1", "when": {"localityIn": ["Cloud"]}}, "m2")
    world = World(cold(), model("m2"), excluded, endpoints={"m2": OTHER})
    world.post()
    world.run()
    assert world.wanted("m1") == 0
    suspended = World(cold(suspended=True), model("m2"), chain("role", "m1", "m2"), endpoints={"m2": OTHER})
    suspended.post()
    suspended.run()
    assert suspended.wanted("m1") == 0


def test_without_autoscaling_nobody_waits_for_a_model_that_somebody_has_set_to_zero() -> None:
    off = cold(autoscaling=None, replicas=0, state=status("ScaledToZero", message="spec.replicas is 0: raise it"))
    world = World(off, chain("role", "m1", fallback={"onCold": "Wait"}))
    for name in ("m1", "role"):
        client = world.post(name)
        assert world.run() < 0.1
        code, document, head = whole(client)
        assert (code, document["error"]["code"]) == (503, "unavailable")
        assert b"\r\nretry-after: 5" in head
        assert "spec.replicas is 0: raise it" in document["error"]["message"]
    assert world.wanted("m1") == 2, "an autoscaler of somebody else's may go by it"


def test_nobody_waits_for_a_model_that_nobody_looks_after() -> None:
    """As in a router that reads manifests from files: no status, and none to come."""
    world = World(model("m1", autoscaling=SCALING))
    client = world.post("m1")
    assert world.run() < 0.1
    assert whole(client)[0] == 503


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("deadline", [1.0, 7.0, 9.9, 10.0, 13.0, 20.0])
def test_waiting_ends_with_the_deadline_and_so_do_its_words(deadline: float, stream: bool) -> None:
    """Wherever the deadline lies between two looks at the Model, or two words to the client."""
    world = World(cold(), chain("role", "m1", fallback={"deadline": f"{deadline}s", "onCold": "Wait"}))
    client = world.post(stream=stream)
    assert deadline <= world.run() <= deadline + 0.1
    assert client.whole is not None
    assert world.table.backends["default/m1"].slots.waiting == 0


def test_waiting_is_bounded_by_the_deadline_and_says_when_to_come_again() -> None:
    download = {"bytes": 25, "totalBytes": 100, "percent": 25, "eta": "3m20s"}
    world = World(
        cold(state=status("Downloading", message="25 of 100 bytes", download=download)),
        chain("role", "m1", fallback={"deadline": "20s", "onCold": "Wait"}),
    )
    client = world.post()
    assert 20.0 <= world.run() <= 20.1
    code, document, head = whole(client)
    assert (code, document["error"]["code"]) == (503, "unavailable")
    assert b"\r\nretry-after: 205\r\n" in head
    assert document["error"]["skipped"] == [{"member": "m1", "reason": "Downloading", "message": "25 of 100 bytes"}]
    assert world.table.backends["default/m1"].slots.waiting == 0


def test_the_queue_is_bounded() -> None:
    world = World(cold(limits={"maxQueued": 3}))
    clients = [world.post("m1") for _ in range(5)]
    refused = [client for client in clients if client.whole is not None]
    assert [whole(client)[0] for client in refused] == [503, 503]
    world.change(5.0, m1=WARM)
    world.run()
    assert [text_of(client) for client in clients[:3]] == [TEXT] * 3


@pytest.mark.parametrize("stream", [False, True])
def test_a_start_that_fails_fails_those_who_wait_with_its_own_message(stream: bool) -> None:
    message = "weights.gguf is no GGUF file: its first bytes are 3c 68 74 6d: check spec.source"
    world = World(cold())
    clients = [world.post("m1", stream=stream) for _ in range(3)]
    world.change(4.0, cold(state=status("Failed", "WeightsInvalid", message)))
    assert world.run() <= 4.1
    for client in clients:
        code, document, head = whole(client)
        assert code == 503
        assert message in document["error"]["message"]
        assert b"retry-after" not in head, "no waiting mends it"


@pytest.mark.parametrize(
    ("state", "wait"),
    [
        (status("Failed", "InvalidArguments", "spec.engine.args[0]: there is no --fast"), None),
        (status("Failed", "SecretNotFound", "create it"), None),
        (status("Failed", "EngineCrashed", "it ended with 1 (next try in 8 s)"), 5),
        (status("Failed", "Unreachable", "the hub does not answer"), 5),
        (status("Pending", "Unschedulable", "no node has it"), 5),
    ],
)
def test_who_need_not_come_again_is_not_told_when_to(state: ModelStatus, wait: int | None) -> None:
    mended = model("m2", limits={"requestsPerMinute": 1})
    world = World(
        cold(state=state, autoscaling=None), mended, chain("alone", "m1", "gone"), chain("role", "m1", "m2"),
        endpoints={"m2": OTHER},
    )  # fmt: skip
    world.table.backends["default/m1"].slots.held_up_since = -1e9
    alone = world.post("alone")
    clients = [world.post() for _ in range(2)]
    world.run()
    code, document, head = whole(alone)
    assert (code, document["error"]["skipped"][0]["reason"]) == (503, state.conditions[0].reason)
    assert (b"\r\nretry-after: %d\r\n" % wait in head) if wait else (b"retry-after" not in head)
    assert text_of(clients[0]) == TEXT
    assert whole(clients[1])[0] == 503
    assert b"\r\nretry-after: 60\r\n" in whole(clients[1])[2], "another member can be asked again"


def test_what_the_engine_said_last_is_for_no_caller() -> None:
    world = World(cold())
    client = world.post("m1")
    crashed = f"llama-server ended with 1{ENGINE_SAID}prompt: my secret"
    world.change(4.0, cold(state=status("Failed", "EngineCrashed", crashed)))
    world.run()
    document = whole(client)[1]
    assert "llama-server ended with 1" in document["error"]["message"]
    assert b"secret" not in client.received


LOADING = status("Loading", message="its engine loads the weights, 2 s so far")
LOOKING = status("Pending", "ResolvingWeights", "looking up its weights")


@pytest.mark.parametrize("name", ["m1", "role"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("now", [LOOKING, LOADING, status("Ready", "Serving")], ids=lambda now: now.phase)
def test_a_model_that_starts_by_itself_is_waited_for_where_nobody_else_answers(
    now: ModelStatus, stream: bool, name: str
) -> None:
    """Also by a router that is younger than the Model. One whose endpoints it has not seen yet is the same to it."""
    world = World(cold(autoscaling=None, state=now), model("m2"), chain("role", "m1", "m2"), chain("other", "m2", "m1"))
    client = world.post(name, stream=stream)
    beside = world.post("other")
    world.change(3.0, cold(autoscaling=None, state=LOADING))
    world.change(8.0, m1=WARM)
    assert 8.0 <= world.run() <= 9.0
    assert (said("openai", streamed(client)[1]) == (TEXT, None)) if stream else (text_of(client) == TEXT)
    assert text_of(beside) == TEXT
    spilled = World(cold(autoscaling=None, state=now), model("m2"), chain("role", "m1", "m2"), endpoints={"m2": OTHER})
    client = spilled.post()
    assert spilled.run() < 1.0
    assert text_of(client) == TEXT, "others are asked first"


@pytest.mark.parametrize("autoscaling", [None, SCALING])
@pytest.mark.parametrize(("eta", "seconds"), [("11s", 5.0), ("10m", 0.0)])
def test_a_download_is_waited_for_if_it_may_end_in_time(eta: str, seconds: float, autoscaling: Any) -> None:
    download = {"bytes": 25, "totalBytes": 100, "percent": 25, "eta": eta}
    now = status("Downloading", message="25 of 100 bytes", download=download)
    world = World(cold(autoscaling=autoscaling, state=now), chain("role", "m1", fallback={"deadline": "20s"}))
    client = world.post()
    world.change(5.0, m1=WARM)
    assert seconds <= world.run() <= seconds + 0.5
    if seconds:
        assert text_of(client) == TEXT
    else:
        assert whole(client)[0] == 503
        assert b"\r\nretry-after: 605\r\n" in whole(client)[2]


def test_a_first_start_that_crashes_fails_those_who_wait_and_who_come_later() -> None:
    """It has never served: it may be what it was given, and not the moment."""
    world = World(cold(autoscaling=None, state=LOADING))
    clients = [world.post("m1")]
    world.change(2.0, cold(autoscaling=None, state=status("Failed", "EngineCrashed", "it ended with 1")))
    assert 2.0 <= world.run() <= 2.1
    clients.append(world.post("m1"))
    assert world.run() < 0.1
    for client in clients:
        code, document, head = whole(client)
        assert (code, document["error"]["skipped"][0]["reason"]) == (503, "EngineCrashed")
        assert b"\r\nretry-after: 5\r\n" in head, "it is tried again"


def test_a_start_that_fails_sends_those_who_wait_to_the_next_member() -> None:
    world = World(cold(), model("m2"), chain("role", "m1", "m2", fallback={"onCold": "Wait"}), endpoints={"m2": OTHER})
    client = world.post()
    world.change(4.0, cold(state=status("Failed", "WeightsInvalid", "broken")))
    assert 4.0 <= world.run() <= 5.0
    assert text_of(client) == TEXT


STUCK = status("Pending", "Unschedulable", "no node has 1 nvidia.com/gpu to spare: add a node that has it")


def test_a_pod_that_finds_no_node_is_waited_for_as_long_as_a_node_may_take() -> None:
    world = World(cold())
    client = world.post("m1")
    world.change(2.0, cold(state=STUCK))
    assert 302.0 <= world.run() <= 307.0, "looked at every 5 seconds"
    assert "no node has 1 nvidia.com/gpu" in whole(client)[1]["error"]["message"]
    brought = World(cold())
    client = brought.post("m1")
    brought.change(2.0, cold(state=STUCK))
    brought.change(290.0, cold(state=status("Loading")))
    brought.change(320.0, m1=WARM)
    assert 320.0 <= brought.run() <= 321.0
    assert text_of(client) == TEXT


def test_who_has_waited_in_vain_is_answered_by_another_member_and_who_comes_later_at_once() -> None:
    world = World(cold(), model("m2"), chain("role", "m1", "m2", fallback={"onCold": "Wait"}), endpoints={"m2": OTHER})
    client = world.post()
    world.change(2.0, cold(state=STUCK))
    assert 302.0 <= world.run() <= 308.0
    assert text_of(client) == TEXT
    late = world.post()
    assert world.run() < 1.0, "it is known to be in vain"
    assert b"x-auriga-model: m2" in whole(late)[2]
    assert world.wanted("m1") == 2, "who passes it over counts, too"
    world.apply(world.state(cold(state=status("Loading"))))
    patient = world.post()
    world.change(5.0, m1=WARM)
    world.run()
    assert b"x-auriga-model: m1" in whole(patient)[2], "it goes on, and is waited for again"


@pytest.mark.parametrize("kept", ["nothing", "the chain", "the Model", "a new Model"])
@pytest.mark.parametrize("name", ["m1", "role"])
@pytest.mark.parametrize("stream", [False, True])
def test_who_waits_for_what_is_deleted_is_told_at_once(name: str, kept: str, stream: bool) -> None:
    role = chain("role", "m1")
    world = World(cold(), role)
    clients = [world.post(name, stream=stream) for _ in range(3)]
    left = {"nothing": [], "the chain": [role], "the Model": [cold()], "a new Model": []}[kept]
    world.later(15.0, lambda: world.apply(snapshot(*left)))
    if kept == "a new Model":
        world.later(16.0, lambda: world.apply(snapshot(cold())))
        world.later(17.0, lambda: world.apply(snapshot(cold(), endpoints={"m1": WARM})))
    if (name, kept) == ("m1", "the Model"):
        world.change(20.0, m1=WARM)
    assert world.run() <= 21.0
    for client in clients:
        assert (TEXT.encode()[:3] in client.received) is ((name, kept) == ("m1", "the Model"))
        if (name, kept) == ("role", "the chain"):
            assert b"ModelMissing" in client.received
        elif (name, kept) != ("m1", "the Model"):
            assert b"is gone" in client.received
            assert b"model_not_found" in client.received
            assert stream or whole(client)[0] == 404


def test_a_chain_that_is_edited_calls_those_who_wait_in_their_order() -> None:
    world = World(cold(), model("m2", engine={"parallel": 1}), chain("role", "m1"), endpoints={"m2": OTHER})
    clients = [world.post() for _ in range(3)]
    direct = world.post("m1")
    order: list[int] = []
    for number, client in enumerate(clients):
        client.done = _noting(order, number, client.done)  # type: ignore[method-assign]
    world.change(7.0, chain("role", "m2"))
    world.change(30.0, m1=WARM)
    assert 30.0 <= world.run() <= 31.0
    assert order == [0, 1, 2]
    assert [text_of(client) for client in [*clients, direct]] == [TEXT] * 4
    assert world.wanted("m1") == 5, "four found it cold, and one was sent to it"


def test_another_member_that_comes_first_serves_those_who_wait() -> None:
    world = World(cold(), cold("m2"), chain("role", "m1", "m2"))
    clients = [world.post() for _ in range(3)]
    assert (world.wanted("m1"), world.wanted("m2")) == (3, 0)
    world.change(6.0, m2=OTHER)
    assert 6.0 <= world.run() <= 7.0
    assert [text_of(client) for client in clients] == [TEXT] * 3


@pytest.mark.parametrize("dialect", PATHS)
def test_a_stream_is_told_how_far_the_model_is_and_then_answered(dialect: str) -> None:
    download = {"bytes": 25, "totalBytes": 100, "percent": 25, "eta": "40s"}
    world = World(cold())
    client = world.post("m1", dialect, stream=True)
    world.change(15.0, cold(state=status("Downloading", download=download)))
    world.change(35.0, cold(state=status("Loading")))
    world.change(45.0, m1=WARM)
    world.later(9.9, lambda: world.quiet.append(client.received))
    world.quiet: list[bytes] = []  # type: ignore[misc]
    assert 45.0 <= world.run() <= 46.0
    assert world.quiet == [b""], "a start that is short needs no words, and its failure can still have a status"
    head, body = streamed(client)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.count(b"content-type: text/event-stream") == 1
    comments = [line for line in body.split(b"\n") if line.startswith(b":")]
    assert comments == [
        b": m1 ScaledToZero", b": m1 Downloading 25/100 bytes, 40 s left", b": m1 Downloading 25/100 bytes, 40 s left",
        b": m1 Loading",
    ]  # fmt: skip
    assert said(dialect, body) == (TEXT, None)
    assert body.count(b"event: ping") == (4 if dialect == "anthropic" else 0)
    assert client.received.endswith(b"0\r\n\r\n")
    assert client.whole is True


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("kind", ["failed", "deadline", "endpoint", "client error"])
def test_what_fails_after_the_first_word_is_an_error_in_the_stream(kind: str, dialect: str) -> None:
    world = World(cold(), chain("role", "m1", fallback={"deadline": "25s", "onOutcomes": []}))
    client = world.post("role", dialect, stream=True)
    if kind == "failed":
        world.change(15.0, cold(state=status("Failed", "WeightsInvalid", "they are broken")))
    elif kind != "deadline":
        world.servers[WARM].faults = [Fault("500" if kind == "endpoint" else "400")]
        world.change(15.0, m1=WARM)
    assert world.run() <= 25.1
    head, body = streamed(client)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    text, error = said(dialect, body)
    assert text == ""
    assert error
    if kind == "failed":
        assert "they are broken" in json.dumps(error)
    assert b"HTTP/1.1 5" not in body
    assert client.whole is False, "no clean end"
    assert not client.received.endswith(b"0\r\n\r\n")


def test_who_is_not_streaming_is_told_nothing_before_the_answer() -> None:
    world = World(cold(), chain("role", "m1", streaming={"inside": True}))
    clients = [world.post("m1"), world.post("role")]
    world.change(60.0, m1=WARM)
    world.run()
    assert [text_of(client) for client in clients] == [TEXT] * 2


@pytest.mark.parametrize("after", [1.0, 25.0])
def test_a_caller_that_goes_leaves_the_queue_at_once(after: float) -> None:
    world = World(cold(limits={"maxQueued": 1}))
    client = world.post("m1", stream=True)
    world.later(after, client.exchange.client_gone)
    world.run()
    assert world.table.backends["default/m1"].slots.waiting == 0
    after_all = world.post("m1")
    world.change(1.0, m1=WARM)
    world.run()
    assert text_of(after_all) == TEXT
    assert sum(server.requests for server in world.servers.values()) == 1


@given(
    st.lists(st.sampled_from(["json", "stream"]), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 60), st.sampled_from(["warm", "zero", "loading", "failed", "gone"])), max_size=6),
    st.sampled_from(["Spill", "Wait"]),
)
def test_whatever_becomes_of_the_model_everybody_gets_one_reply(
    asked: list[str], changes: list[tuple[float, str]], on_cold: str
) -> None:
    """Endpoints that come and go, starts that fail: an answer, or an error, within the deadline, and nothing left."""
    fallback = {"onCold": on_cold, "deadline": "90s"}
    world = World(cold(), chain("role", "m1", fallback=fallback))
    clients = [(kind, world.post(stream=kind == "stream")) for kind in asked]
    states = {"zero": None, "loading": status("Loading"), "failed": status("Failed", "Broken", "broken")}
    for seconds, kind in changes:
        if kind == "warm":
            world.change(seconds, m1=WARM)
        elif kind == "gone":
            world.later(seconds, lambda: world.apply(snapshot(world.objects[-1])))
        else:
            state = states[kind]

            def become(state: ModelStatus | None = state) -> None:
                world.endpoints = {}
                world.apply(world.state(cold(state=state)))

            world.later(seconds, become)
    assert world.run() <= 91.0
    for kind, client in clients:
        if client.received.startswith((b"HTTP/1.1 503", b"HTTP/1.1 404")):
            code, document, _ = whole(client)
            assert document["error"]["code"] == ("unavailable" if code == 503 else "model_not_found")
        elif kind == "json":
            assert text_of(client) == TEXT
        else:
            text, error = said("openai", streamed(client)[1])
            assert (text == TEXT) is (error is None)
            assert client.whole is (error is None)
    for backend in world.table.backends.values():
        assert (backend.slots.waiting, backend.slots.in_flight) == (0, 0)

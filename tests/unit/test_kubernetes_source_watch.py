"""Requests, lists and watches against a scripted API server: what it says, and how it breaks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from auriga_router.sources.kubernetes.cache import Event, Gone, Only, Put
from auriga_router.sources.kubernetes.connection import Connection, Identity
from auriga_router.sources.kubernetes.credentials import SecretReader
from auriga_router.sources.kubernetes.follow import Follower, Scope, backoff, read_lines
from auriga_router.sources.kubernetes.http import Api, Refused, Unreachable
from auriga_router.sources.kubernetes.objects import MODELS
from support.kubernetes_objects import Object, model
from support.upstreams import Upstream, Visit

GONE = {"kind": "Status", "code": 410, "message": "too old resource version"}


def line(what: str, item: Object) -> bytes:
    return json.dumps({"type": what, "object": item}).encode() + b"\n"


def page(*items: Object, version: str = "10", token: str = "") -> Object:
    return {"metadata": {"resourceVersion": version, "continue": token}, "items": list(items)}


def answers(body: object, status: int = 200, headers: str = "") -> Callable[[Visit], Any]:
    async def script(visit: Visit) -> None:
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(text)}\r\n\r\n"
        await visit.send(head.encode() + text)

    return script


def streams(
    *lines: bytes, end: bool = True, then: Callable[[Visit], object] = lambda _: None
) -> Callable[[Visit], Any]:
    async def script(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for each in lines:
            await visit.send(b"%x\r\n%s\r\n" % (len(each), each))
        if end:
            await visit.send(b"0\r\n\r\n")
        then(visit)
        if not end:
            await visit.gone.wait()

    return script


@contextlib.asynccontextmanager
async def server(*scripts: Callable[[Visit], Any]) -> AsyncIterator[tuple[Api, Upstream]]:
    async with Upstream(*scripts) as upstream:
        yield Api(Connection(f"http://{upstream.address}", Identity(token="t"))), upstream


class Heard:
    """What a follower tells, and when it has told so much."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def __call__(self, events: Any) -> None:
        self.events.extend(events)
        self._more.set()

    async def count(self, number: int) -> list[Event]:
        async with asyncio.timeout(20):
            while len(self.events) < number:
                self._more.clear()
                await self._more.wait()
        return self.events[:number]


@contextlib.asynccontextmanager
async def following(*scripts: Callable[[Visit], Any]) -> AsyncIterator[tuple[Heard, Upstream, Follower]]:
    heard = Heard()
    async with server(*scripts) as (api, upstream):
        follower = Follower(api, Scope(MODELS), heard, every=300, random=lambda: 0.0)
        task = asyncio.create_task(follower.run())
        try:
            yield heard, upstream, follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_request_says_who_asks() -> None:
    async with server(answers({"a": 1})) as (api, upstream):
        assert await api.get("/x", {"labelSelector": "a,b=c"}) == {"a": 1}
    assert upstream.visits[0].head.startswith(b"GET /x?labelSelector=a%2Cb%3Dc HTTP/1.1\r\n")
    assert upstream.visits[0].header("authorization") == "Bearer t"


async def test_an_error_carries_what_the_server_says() -> None:
    async with server(answers({"message": "no way"}, 429, "Retry-After: 7\r\n")) as (api, _):
        with pytest.raises(Refused, match=r"^429: no way$") as refusal:
            await api.get("/x")
    assert refusal.value.retry_after == 7


async def test_an_error_of_something_else_on_the_way_is_told_too() -> None:
    async with server(answers("Bad Gateway", 502)) as (api, _):
        with pytest.raises(Refused, match=r'^502: "Bad Gateway"$'):
            await api.get("/x")


@pytest.mark.parametrize("how", [Visit.close, Visit.reset], ids=["closed", "reset"])
async def test_half_an_answer_is_none(how: Callable[[Visit], None]) -> None:
    async with server(streams(b"{", end=False, then=how)) as (api, _):
        with pytest.raises(Unreachable, match=r"GET /x: ."):
            await api.get("/x")


async def test_an_answer_that_is_no_json_is_none() -> None:
    async with server(streams(b"<html>")) as (api, _):
        with pytest.raises(Unreachable):
            await api.get("/x")


async def test_nobody_listens() -> None:
    async with server(answers({})) as (api, _):
        pass
    with pytest.raises(Unreachable, match=r"GET /x: .*failed"):
        await api.get("/x")


async def test_silence_is_an_end() -> None:
    async with server(streams(line("ADDED", model("a")), end=False)) as (api, _):
        batches = api.lines("/x", {}, 0.05)
        assert len(await anext(batches)) == 1
        with pytest.raises(Unreachable, match="no answer in time"):
            await anext(batches)


async def test_lines_of_any_length_in_any_pieces() -> None:
    whole = line("ADDED", model("a", tags=["x" * 400_000]))
    pieces = (whole[:7], whole[7:300_000], whole[300_000:] + whole[:5], whole[5:])
    async with server(streams(*pieces)) as (api, _):
        assert [each async for batch in api.lines("/x", {}, 5) for each in batch if each] == [whole.strip()] * 2


def test_lines_become_events() -> None:
    lines = [line("ADDED", model("a", 1)), line("DELETED", model("b", 2)), line("BOOKMARK", model("", 9)), b""]
    batch = read_lines(MODELS, lines)
    assert batch.events == (Put(MODELS, model("a", 1)), Gone(MODELS, "default/b"))
    assert (batch.since, batch.refusal) == ("9", None)


def test_what_came_before_an_error_counts() -> None:
    batch = read_lines(MODELS, [line("MODIFIED", model("a", 4)), line("ERROR", GONE), line("ADDED", model("b"))])
    assert batch.events == (Put(MODELS, model("a", 4)),)
    assert batch.since == "4"
    assert batch.refusal
    assert batch.refusal.status == 410


def test_pauses_grow_to_a_limit_and_are_spread() -> None:
    pauses = [backoff(failures, 1.0) for failures in range(1, 12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 3.0)
    assert backoff(3, 0.0) == backoff(3, 1.0) / 2


async def test_a_list_comes_in_pages_and_the_watch_goes_on_from_it() -> None:
    scripts = (
        answers(page(model("a"), token="more")),
        answers(page(model("b"), version="12")),
        streams(line("DELETED", model("a", 13)), end=False),
    )
    async with following(*scripts) as (heard, upstream, follower):
        events = await heard.count(4)
        await upstream.visited(3)
    assert events == [
        Put(MODELS, model("a")),
        Put(MODELS, model("b")),
        Only(MODELS, "", frozenset({"default/a", "default/b"})),
        Gone(MODELS, "default/a"),
    ]
    assert b"continue=more" in upstream.visits[1].head
    assert b"resourceVersion=12" in upstream.visits[2].head
    assert follower.synced


async def test_a_broken_watch_goes_on_where_it_was_without_a_new_list() -> None:
    scripts = (
        answers(page()),
        streams(line("ADDED", model("a", 11)), end=False, then=Visit.reset),
        streams(line("ADDED", model("b", 12)), end=False),
    )
    async with following(*scripts) as (heard, upstream, _):
        await heard.count(3)
    assert b"watch=true" in upstream.visits[2].head
    assert b"resourceVersion=11" in upstream.visits[2].head


@pytest.mark.parametrize(
    "refusal",
    [answers(GONE, 410), streams(line("ERROR", GONE)), answers({"message": "too large resource version"}, 504)],
    ids=["answer", "event", "another"],
)
async def test_a_refused_watch_leads_to_a_new_list(refusal: Callable[[Visit], Any]) -> None:
    scripts = (answers(page(model("a"))), refusal, answers(page(version="20")), streams(end=False))
    async with following(*scripts) as (heard, upstream, _):
        await upstream.visited(4)
        assert heard.events[-1] == Only(MODELS, "", frozenset())
    assert b"resourceVersion=20" in upstream.visits[3].head


async def test_a_watch_that_always_ends_at_once_is_not_asked_all_the_time() -> None:
    clock = asyncio.get_running_loop().time
    async with following(answers(page()), streams()) as (_, upstream, _):
        await upstream.visited(2)
        began = clock()
        await upstream.visited(4)
        assert clock() - began > backoff(1, 0.0) + backoff(2, 0.0) - 0.01


async def test_while_the_server_is_away_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    scripts = (answers({"message": "etcd is away"}, 503), answers(page(model("a"))), streams(end=False))
    async with following(*scripts) as (heard, upstream, follower):
        await upstream.visited(3)
    assert heard.events[0] == Put(MODELS, model("a"))
    assert follower.troubled
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "following Models of all namespaces: 503: etcd is away" in caplog.text


async def test_missing_definitions_are_named(caplog: pytest.LogCaptureFixture) -> None:
    async with following(answers("404 page not found", 404)) as (_, upstream, _):
        await upstream.visited(2)
    assert "are Auriga's CustomResourceDefinitions installed?" in caplog.text


def secret(**values: str) -> Object:
    return {"metadata": {"name": "s", "namespace": "default"}, "data": values}


async def test_secrets_are_read_by_name_and_their_end_is_told() -> None:
    heard = Heard()
    scripts = (answers(secret(token="aGk=")), answers({"message": "not found"}, 404))
    async with server(*scripts) as (api, upstream):
        reader = SecretReader(api, lambda: ["default/s"], heard, lambda: 0.5)
        await reader.read_all()
        await reader.read_all()
    assert upstream.visits[0].head.startswith(b"GET /api/v1/namespaces/default/secrets/s HTTP/1.1")
    assert [event.values for event in heard.events] == [{"token": b"hi"}, None]


async def test_a_secret_that_may_not_be_read_is_told_once_and_nothing_is_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard()
    async with server(answers({"message": "forbidden"}, 403)) as (api, _):
        reader = SecretReader(api, lambda: ["default/s"], heard, lambda: 0.5)
        await reader.read_all()
        await reader.read_all()
    assert not heard.events
    assert [record.getMessage() for record in caplog.records] == [
        "Secret default/s: 403: forbidden: what was known of it goes on counting"
    ]


async def test_a_hurried_secret_is_read_at_once_and_a_forgotten_one_is_not() -> None:
    heard = Heard()
    async with server(answers(secret(token="aGk="))) as (api, upstream):
        reader = SecretReader(api, lambda: ["default/s"], heard, lambda: 0.5)
        task = asyncio.create_task(reader.run())
        reader.hurry("default/gone")
        reader.hurry("default/s")
        await heard.count(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert all(b"/secrets/s " in visit.head for visit in upstream.visits)

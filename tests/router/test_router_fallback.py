"""Before anything has left for the client, a fault leads to the next member; the caller sees only the answer."""

from __future__ import annotations

import json

import pytest

from support import upstreams_scripts as scripts
from support.http_client import Reply
from support.http_grammar import attempts_header, chat_stream, error_object
from support.http_router import role
from support.upstreams import Refusing, Script, Upstream, Visit


def _head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")).encode("latin-1")


def _endless(start: bytes, more: bytes) -> Script:
    async def script(visit: Visit) -> None:
        await visit.send(start)
        while True:
            await visit.send(more)

    return script


ANSWER = scripts.answer()
LENGTH = f"Content-Length: {len(ANSWER)}"
CODED = "Transfer-Encoding: chunked"
CHUNKS = scripts.chunk(ANSWER) + b"0\r\n\r\n"
NOT_RIGHT: dict[str, tuple[Script, str]] = {
    "both lengths": (scripts.sends(_head(LENGTH, CODED) + CHUNKS), "Malformed"),
    "two lengths": (scripts.sends(_head("Content-Length: 5", LENGTH) + ANSWER), "Malformed"),
    "a list of lengths": (scripts.sends(_head(f"{LENGTH}, {len(ANSWER)}") + ANSWER), "Malformed"),
    "a negative length": (scripts.sends(_head("Content-Length: -1") + ANSWER), "Malformed"),
    "another coding first": (scripts.sends(_head(CODED.replace("chunked", "gzip, chunked")) + CHUNKS), "Malformed"),
    "another coding last": (scripts.sends(_head(CODED + ", gzip") + CHUNKS), "Malformed"),
    "a folded header": (scripts.sends(_head("X: a\r\n b", LENGTH) + ANSWER), "Malformed"),
    "NUL in a header": (scripts.sends(_head("X: \0", LENGTH) + ANSWER), "Malformed"),
    "a head with LF alone": (scripts.sends(_head(LENGTH).replace(b"\r\n", b"\n") + ANSWER), "Malformed"),
    "a status of two digits": (scripts.sends(_head(LENGTH, status="99 X") + ANSWER), "Malformed"),
    "a status that nobody knows": (scripts.sends(_head(LENGTH, status="999 X") + ANSWER), "ServerError"),
    "a switch of protocols": (scripts.sends(_head("Connection: upgrade", "Upgrade: x", status="101 X")), "Malformed"),
    "fin after 102": (scripts.closes_after(_head(status="102 X")), "Connect"),
    "204": (scripts.sends(_head(status="204 X")), "Empty"),
    "204 with a length": (scripts.sends(_head(LENGTH, status="204 X")), "Empty"),
    "304": (scripts.sends(_head(LENGTH, status="304 X")), "Malformed"),
    "a compressed answer": (
        scripts.sends(_head("Content-Encoding: gzip", "Content-Length: 2") + b"\x1f\x8b"),
        "Malformed",
    ),
    "an endless head": (_endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000), "Malformed"),
    "an endless header": (_endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000), "Malformed"),
    "endless 102s": (_endless(b"", _head(status="102 X") * 100), "Malformed"),
    "an endless extension": (_endless(scripts.SSE_HEAD + b"5;", b"a" * 10_000), "Malformed"),
    "endless comments": (_endless(scripts.SSE_HEAD, scripts.chunk(b": ping\n\n" * 1000)), "Malformed"),
}
"""Of HTTP. The last ones send for ever; what is held of them is bounded."""
FAULTS: dict[str, tuple[Script, str]] = NOT_RIGHT | {
    "reset": (scripts.resets(), "Connect"),
    "fin without a byte": (scripts.closes_after(b""), "Connect"),
    "fin in the head": (scripts.closes_after(b"HTTP/1.1 200 OK\r\nContent-"), "Connect"),
    "fin in the body": (scripts.HELD_CUT, "Connect"),
    "500": (scripts.status(500), "ServerError"),
    "502": (scripts.status(502), "ServerError"),
    "503": (scripts.status(503, "Retry-After: 1\r\n"), "ServerError"),
    "529": (scripts.status(529), "ServerError"),
    "429": (scripts.status(429), "RateLimited"),
    "429 with Retry-After": (scripts.status(429, "Retry-After: 7\r\n"), "RateLimited"),
    "401": (scripts.status(401), "Unauthorized"),
    "403": (scripts.status(403), "Unauthorized"),
    "404": (scripts.status(404), "Unsupported"),
    "405": (scripts.status(405), "Unsupported"),
    "409": (scripts.status(409), "Unsupported"),
    "410": (scripts.status(410), "Unsupported"),
    "501": (scripts.status(501), "Unsupported"),
    "302": (scripts.status(302, "Location: /elsewhere\r\n"), "Malformed"),
    "html": (scripts.HTML, "Malformed"),
    "broken JSON": (scripts.BROKEN_JSON, "Malformed"),
    "error object in a 200": (scripts.ERROR_IN_200, "Malformed"),
    "error event first": (scripts.ERROR_EVENT_FIRST, "Malformed"),
    "bad chunk": (scripts.BAD_CHUNK, "Malformed"),
    "not HTTP": (scripts.NOT_HTTP, "Malformed"),
    "empty body": (scripts.EMPTY_BODY, "Empty"),
    "empty answer": (scripts.EMPTY_ANSWER, "Empty"),
    "no body at all": (scripts.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "Empty"),
    "the other kind of answer": (
        scripts.by_kind(
            scripts.reply(200, scripts.answer()), scripts.SSE_HEAD + scripts.chunk(scripts.ROLE) + b"0\r\n\r\n"
        ),
        "Malformed",
    ),
    "hang": (scripts.hangs, "Timeout"),
    "llama-server's overflow": (scripts.overflow(scripts.LLAMA_OVERFLOW), "ContextOverflow"),
    "OpenAI's overflow": (scripts.overflow(scripts.OPENAI_OVERFLOW), "ContextOverflow"),
}

IMPATIENT = {"timeouts": dict.fromkeys(("connect", "firstToken", "stall", "total"), "1s")}
"""For members that shall time out. Everything else answers at once, however long it takes."""
PATIENT: dict[str, object] = {}


def text_of(reply: Reply, *, stream: bool) -> str:
    """The whole answer, checked by the grammar."""
    assert reply.status == 200, reply
    if stream:
        return chat_stream(reply.body, whole=reply.whole).text
    assert reply.whole
    return reply.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_next_member_answers(fault: str, stream: bool) -> None:
    script, outcome = FAULTS[fault]
    limits = IMPATIENT if outcome == "Timeout" else PATIENT
    async with (
        Upstream(script) as bad,
        Upstream(scripts.ok) as good,
        role(bad.address, good.address, model_spec=PATIENT, members_spec=[limits, PATIENT]) as running,
    ):
        reply = await running.chat(stream=stream)
        assert text_of(reply, stream=stream) == scripts.TEXT
        assert reply.headers["x-auriga-model"] == "m2"
        (failed, parameters), answered = attempts_header(reply.headers["x-auriga-attempts"])
        assert (failed, parameters["outcome"], answered) == ("m1", outcome, ("m2", {}))
        assert running.outcomes == [("m1", outcome), ("m2", "Ok")]
        assert len(bad.visits) == len(good.visits) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_refused_connection_leads_to_the_next_member(stream: bool) -> None:
    with Refusing() as refusing:
        async with Upstream(scripts.ok) as good, role(refusing, good.address) as running:
            reply = await running.chat(stream=stream)
            assert text_of(reply, stream=stream) == scripts.TEXT
            assert running.outcomes == [("m1", "Connect"), ("m2", "Ok")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_another_endpoint_of_the_member_comes_before_the_next_member(stream: bool) -> None:
    asked: list[scripts.Visit] = []

    async def fails_first(visit: scripts.Visit) -> None:
        asked.append(visit)
        await (scripts.status(500) if len(asked) == 1 else scripts.ok)(visit)

    async with (
        Upstream(fails_first) as one,
        Upstream(fails_first) as two,
        Upstream(scripts.ok) as other,
        role((one.address, two.address), other.address) as running,
    ):
        reply = await running.chat(stream=stream)
        assert text_of(reply, stream=stream) == scripts.TEXT
        assert reply.headers["x-auriga-model"] == "m1"
        assert (len(one.visits), len(two.visits), len(other.visits)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("404", 502, "all_attempts_failed"),
        ("500", 502, "all_attempts_failed"),
        ("reset", 502, "all_attempts_failed"),
        ("html", 502, "all_attempts_failed"),
        ("empty answer", 502, "all_attempts_failed"),
        ("401", 502, "all_attempts_failed"),
        ("hang", 504, "timeout"),
        ("429", 503, "unavailable"),
        ("429 with Retry-After", 503, "unavailable"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_failed_chain_tells_of_every_attempt(fault: str, status: int, code: str, stream: bool) -> None:
    script, outcome = FAULTS[fault]
    limits = IMPATIENT if outcome == "Timeout" else PATIENT
    async with (
        Upstream(script) as first,
        Upstream(script) as second,
        role(first.address, second.address, model_spec=limits, fallback={"maxAttempts": 2}) as running,
    ):
        reply = await running.chat(stream=stream)
        assert (reply.status, reply.whole) == (status, True)
        error = error_object(reply.json)
        assert error["code"] == code
        attempts = [(attempt["member"], attempt["outcome"]) for attempt in error["attempts"]]
        assert attempts == [("m1", outcome), ("m2", outcome)]
        named = [(name, values["outcome"]) for name, values in attempts_header(reply.headers["x-auriga-attempts"])]
        assert named == attempts
        assert "x-auriga-model" not in reply.headers
        assert ("retry-after" in reply.headers) == (status == 503)


@pytest.mark.parametrize("code", [400, 413, 415, 422])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_callers_own_error_is_returned_as_it_is(code: int, stream: bool) -> None:
    body = scripts.error_body("temperature must not be negative")
    async with (
        Upstream(scripts.status(code, body=body)) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address) as running,
    ):
        for _ in range(10):
            reply = await running.chat(stream=stream)
            assert (reply.status, reply.body, reply.whole) == (code, body, True)
        assert reply.headers["x-auriga-attempts"] == "m1"
        assert running.outcomes == [("m1", "ClientError")] * 10  # it never trips the breaker
        assert not second.visits


async def test_an_overflow_skips_members_whose_context_is_not_larger() -> None:
    overflow = scripts.overflow(scripts.LLAMA_OVERFLOW)
    sizes = [{"engine": {"contextLength": size}} for size in (4096, 2048, 8192)]
    async with (
        Upstream(overflow) as first,
        Upstream(scripts.ok) as smaller,
        Upstream(scripts.ok) as larger,
        role(first.address, smaller.address, larger.address, members_spec=sizes) as running,
    ):
        reply = await running.chat()
        assert text_of(reply, stream=False) == scripts.TEXT
        assert running.outcomes == [("m1", "ContextOverflow"), ("m3", "Ok")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_where_no_context_is_large_enough_the_providers_error_is_returned(stream: bool) -> None:
    overflow = scripts.overflow(scripts.LLAMA_OVERFLOW)
    async with (
        Upstream(overflow) as first,
        Upstream(overflow) as second,
        role((first.address, first.address.replace("127.0.0.1", "localhost")), second.address) as running,
    ):
        reply = await running.chat(stream=stream)
        assert (reply.status, reply.body) == (400, scripts.LLAMA_OVERFLOW)
        assert running.outcomes == [("m1", "ContextOverflow"), ("m2", "ContextOverflow")]


async def test_only_what_fallback_on_names_leads_to_the_next_member() -> None:
    async with (
        Upstream(scripts.status(500)) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, fallback={"on": ["Connect", "Timeout"]}) as running,
    ):
        reply = await running.chat()
        assert reply.status == 502
        assert error_object(reply.json)["skipped"] == [{"member": "m2", "reason": "NotTried"}]
        assert not second.visits


async def test_max_attempts_ends_the_chain() -> None:
    async with (
        Upstream(scripts.status(500)) as bad,
        Upstream(scripts.ok) as good,
        role(bad.address, bad.address, good.address, fallback={"maxAttempts": 2}) as running,
    ):
        assert (await running.chat()).status == 502
        assert running.outcomes == [("m1", "ServerError"), ("m2", "ServerError")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_deadline_ends_the_chain(stream: bool) -> None:
    async with (
        Upstream(scripts.hangs) as first,
        Upstream(scripts.ok) as second,
        role(first.address, second.address, fallback={"deadline": "300ms"}) as running,
    ):
        reply = await running.chat(stream=stream)
        assert (reply.status, error_object(reply.json)["code"]) == (504, "timeout")
        assert running.outcomes == [("m1", "Timeout")]
        assert not second.visits


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("code", [204, 205, 304])
async def test_a_body_where_none_may_be_never_reaches_the_caller(code: int, stream: bool) -> None:
    """It would be taken for the next reply."""
    wrong = scripts.sends(_head(LENGTH, status=f"{code} X") + ANSWER)
    async with Upstream(wrong) as first, Upstream(scripts.ok) as second, role(first.address, second.address) as running:
        reply = await running.chat(stream=stream)
        assert text_of(reply, stream=stream) == scripts.TEXT
        assert [member for member, _ in running.outcomes] == ["m1", "m2"]


async def test_providers_words_never_reach_the_error_of_a_failed_chain() -> None:
    body = json.dumps({"error": {"message": "key sk-secret is invalid"}}).encode()
    async with Upstream(scripts.status(401, body=body)) as first, role(first.address) as running:
        assert b"sk-secret" not in (await running.chat()).body


async def test_where_nobody_could_be_asked_the_headers_say_so() -> None:
    async with role((), ()) as running:
        reply = await running.chat()
        assert (reply.status, attempts_header(reply.headers["x-auriga-attempts"])) == (503, [])
        assert [skipped["member"] for skipped in reply.json["error"]["skipped"]] == ["m1", "m2"]


WRONG = {
    "messages": "hi",
    "messages[0].role": [{"content": "hi"}],
    "messages[1]": [{"role": "user", "content": "hi"}, "hi"],
}


@pytest.mark.parametrize("param", WRONG)
async def test_what_no_dialect_allows_is_the_callers_error_and_nobodys_failure(param: str) -> None:
    """llama-server answers these with 500."""
    async with Upstream(scripts.status(500)) as first, role(first.address) as running:
        reply = await running.chat(messages=WRONG[param])
        assert (reply.status, error_object(reply.json)["param"]) == (400, param)
        reply = await running.chat(tools={"name": "f"})
        assert (reply.status, error_object(reply.json)["param"]) == (400, "tools")
        assert not first.visits

"""HTTP on raw sockets: what is not strictly HTTP/1.1 gets a 4xx and a closed connection; afterwards all is well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from auriga_router.settings import RouterSettings
from support import upstreams_scripts as scripts
from support.http_grammar import chat_stream, error_object
from support.http_router import Running, chain, model, role, routing, snapshot
from support.upstreams import Upstream

BODY = json.dumps({"model": "role", "messages": [{"role": "user", "content": "hi"}]}).encode()
LIMIT = 100_000


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with Upstream(scripts.ok) as upstream:
        state = snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": upstream.address})
        async with routing(state, RouterSettings(body_limit=LIMIT)) as router:
            yield router


def post(body: bytes = BODY, headers: str = "", version: str = "1.1", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"POST /v1/chat/completions HTTP/{version}\r\nHost: a\r\nContent-Length: {size}\r\n{headers}\r\n"
    return head.encode("latin-1") + body


CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

BAD: dict[str, tuple[bytes, int]] = {
    "both lengths": (post(headers="Transfer-Encoding: chunked\r\n"), 400),
    "two different lengths": (post(headers="Content-Length: 5\r\n"), 400),
    "the same length twice": (post(headers=f"Content-Length: {len(BODY)}\r\n"), 400),
    "negative length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "length with a sign": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    "length in hexadecimal": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na", 400),
    "length beyond 64 bits": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    "a list of lengths": (post().replace(b"%d" % len(BODY), b"%d, %d" % (len(BODY), len(BODY)), 1), 400),
    "an empty length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    "an empty coding beside a length": (post(headers="Transfer-Encoding:\r\n"), 400),
    "unknown coding": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc", 400),
    "chunked is not last": (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
    "chunked, then identity": (CHUNKED.replace(b"chunked", b"chunked, identity") + b"0\r\n\r\n", 400),
    "identity, then chunked": (CHUNKED.replace(b"chunked", b"identity, chunked") + b"0\r\n\r\n", 501),
    "nothing, then chunked": (CHUNKED.replace(b"chunked", b",chunked") + b"0\r\n\r\n", 501),
    "chunked with a parameter": (CHUNKED.replace(b"chunked", b"chunked;q=1") + b"0\r\n\r\n", 400),
    "chunked after a vertical tab": (CHUNKED.replace(b" chunked", b"\x0bchunked") + b"0\r\n\r\n", 400),
    "chunked on a folded line": (CHUNKED.replace(b" chunked", b"\r\n chunked") + b"0\r\n\r\n", 400),
    "a space before the colon of a coding": (CHUNKED.replace(b"ing:", b"ing :") + b"0\r\n\r\n", 400),
    "a chunk that ends with LF": (CHUNKED + b"3\nabc\n0\n\n", 400),
    "a chunk without its end": (CHUNKED + b"3\r\nabc0\r\n\r\n", 400),
    "a chunk without a size": (CHUNKED + b"\r\nabc\r\n0\r\n\r\n", 400),
    "a space after the size of a chunk": (CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n", 400),
    "an extension that ends with LF": (CHUNKED + b"3;a\nabc\r\n0\r\n\r\n", 400),
    "an endless extension": (CHUNKED + b"3;" + b"a" * 2_000_000, 431),
    "an endless trailer": (CHUNKED + b"1\r\na\r\n0\r\nX: " + b"a" * 2_000_000, 431),
    "endless trailers": (CHUNKED + b"1\r\na\r\n0\r\n" + b"X: y\r\n" * 300_000, 431),
    "a length among the trailers": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", 400),
    "a coding among the trailers": (CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "chunk size with 0x": (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size with a sign": (CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size with underscore": (CHUNKED + b"1_0\r\n", 400),
    "chunk longer than its size": (CHUNKED + b"2\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size beyond 64 bits": (CHUNKED + b"fffffffffffffffff\r\n", 400),
    "bare LF": (b"POST / HTTP/1.1\nHost: a\n\n", 400),
    "bare LF between headers": (b"GET /healthz HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    "bare CR in a header": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n", 400),
    "a head that begins with a space": (b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "a header without a colon": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    "a header without a name": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
    "folded header": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "space before the colon": (b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "NUL in a header": (b"GET /healthz HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400),
    "NUL in the path": (b"GET /hea\x00lthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a TLS hello": (b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03" + bytes(240), 400),
    "a PROXY line": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/2 without a preface": (b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/2 that is to be kept": (b"GET /healthz HTTP/2.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", 505),
    "a version in lower case": (b"GET /healthz http/1.1\r\nHost: a\r\n\r\n", 400),
    "a method in lower case": (b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a space in the path": (b"GET /health z HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "unknown version": (b"GET /healthz HTTP/3.7\r\nHost: a\r\n\r\n", 400),
    "unknown method": (b"FETCH /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "the same Host twice": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
    "chunked is not alone": (CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n", 501),
    "chunked twice": (CHUNKED.replace(b"chunked", b"chunked, chunked") + b"0\r\n\r\n", 400),
    "two codings": (CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "CONNECT": (b"CONNECT example.org:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "large head": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    "endless head": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000, 431),
    "endless URL": (b"GET /" + b"x" * 70_000, 431),
    "length over the limit": (post(b"", length=LIMIT + 1), 413),
    "body over the limit": (post(b"x" * (LIMIT + 1)), 413),
    "chunks over the limit": (CHUNKED + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 30, 413),
    "unknown expectation": (post(headers="Expect: tea\r\n"), 417),
    "compressed body": (post(headers="Content-Encoding: gzip\r\n"), 415),
}


@pytest.mark.parametrize("kind", BAD)
async def test_bad_framing_is_refused_and_the_connection_closed(running: Running, kind: str) -> None:
    data, status = BAD[kind]
    async with running.client() as client:
        await client.send(data)
        reply = await client.reply("GET")
        assert (reply.status, reply.whole) == (status, True)
        assert reply.headers["connection"] == "close"
        error_object(reply.json)
        assert await client.closed() == b""
    assert (await running.chat()).status == 200


@pytest.mark.parametrize("kind", BAD)
async def test_a_request_before_it_is_answered_first(running: Running, kind: str) -> None:
    data, status = BAD[kind]
    async with running.client() as client:
        await client.send(post() + data)
        first = await client.reply()
        assert (first.status, first.json["choices"][0]["message"]["content"]) == (200, scripts.TEXT)
        assert (await client.reply("GET")).status == status
        assert await client.closed() == b""


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
ODD: dict[str, tuple[bytes, int]] = {
    "a length with zeros before it": (post().replace(b"Length: ", b"Length: 000"), 200),
    "a coding in capitals": (CHUNKED.replace(b"chunked", b"CHUNKED") + CHUNKS, 200),
    "a coding after a tab": (CHUNKED.replace(b" chunked", b"\tchunked") + CHUNKS, 200),
    "a header that only looks like a coding": (post(headers="Transfer_Encoding: chunked\r\n"), 200),
    "a coding that is named in Connection": (
        CHUNKED[:-2] + b"Connection: Transfer-Encoding\r\n\r\n" + CHUNKS, 200,
    ),
    "extensions of chunks": (CHUNKED + b'%x;a="b;c";d\r\n%s\r\n0;e\r\n\r\n' % (len(BODY), BODY), 200),
    "a size with many zeros": (CHUNKED + b"0" * 40 + CHUNKS, 200),
    "chunks of a byte each": (CHUNKED + b"1\r\n \r\n" * 50_000 + CHUNKS, 200),
    "empty lines before it": (b"\r\n" * 50_000 + post(), 200),
    "bytes beyond ASCII in a header": (post(headers="X: \xe9\r\nX-Request-Id: \xe9\r\n"), 200),
    "ten thousand headers": (post(headers="a:b\r\n" * 10_000), 200),
    "a header of 60 KB": (post(headers="X: " + "y" * 60_000 + "\r\n"), 200),
    "a path of 60 KB": (b"GET /" + b"y" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "a GET whose body looks like a request": (HEALTH + b"Content-Length: %d\r\n\r\n%s" % (len(post()), post()), 200),
    "a GET with chunks": (HEALTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, 200),
    "a POST to nowhere": (post().replace(b"/v1/chat", b"/v2/chat"), 404),
    "a PUT": (post().replace(b"POST", b"PUT"), 405),
    "a method of WebDAV": (post().replace(b"POST", b"PROPFIND"), 405),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "another host in the target": (HEALTH.replace(b"/healthz", b"http://elsewhere/healthz") + b"\r\n", 200),
    "a web socket": (HEALTH + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
}  # fmt: skip


@pytest.mark.parametrize("kind", ODD)
async def test_what_is_odd_but_right_is_one_request_and_the_connection_goes_on(running: Running, kind: str) -> None:
    data, status = ODD[kind]
    async with running.client() as client:
        await client.send(data + post())
        assert (await client.reply()).status == status
        reply = await client.reply()
        assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, scripts.TEXT)
        await client.send(b"GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.reply("GET")).json["object"] == "list"
    asked = BODY in data and status == 200 and b"/healthz" not in data
    assert running.outcomes == [("m1", "Ok")] * (1 + asked)


async def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    async with running.client() as client:
        missing = json.dumps({"model": "missing", "messages": [{"role": "user", "content": "hi"}]}).encode()
        stream = json.dumps({"model": "role", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
        await client.send(post() + post(missing) + post(stream) + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" + post())
        replies = [await client.reply() for _ in range(5)]
        assert [reply.status for reply in replies] == [200, 404, 200, 200, 200]
        assert chat_stream(replies[2].body, whole=replies[2].whole).text == scripts.TEXT


async def test_a_thousand_pipelined_requests_in_one_write(running: Running) -> None:
    async with running.client() as client:
        await client.send(post() * 1000)
        for _ in range(1000):
            assert (await client.reply()).status == 200


async def test_every_byte_on_its_own(running: Running) -> None:
    async with running.client() as client:
        for byte in post() + CHUNKED + b"%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY):
            await client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert [(await client.reply()).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upgrade_is_ignored_as_java_clients_expect(running: Running, chunked: bool) -> None:
    headers = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
    request = post(headers=headers)
    if chunked:
        request = CHUNKED.replace(b"Host: a\r\n", b"Host: a\r\n" + headers.encode())
        request += b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    async with running.client() as client:
        await client.send(request + post())
        for _ in range(2):
            reply = await client.reply()
            assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, scripts.TEXT)
        websocket = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        await client.send(websocket)
        assert (await client.reply("GET")).status == 200


async def test_trailers_change_nothing(running: Running) -> None:
    async with running.client() as client:
        await client.send(
            CHUNKED + b"%x\r\n%s\r\n0\r\nX-Request-Id: from-the-trailer\r\nExpect: tea\r\n\r\n" % (len(BODY), BODY)
        )
        reply = await client.reply()
        assert reply.status == 200
        assert reply.headers["x-request-id"] != "from-the-trailer"


async def test_expect_100_continue(running: Running) -> None:
    async with running.client() as client:
        await client.send(post(b"", "Expect: 100-continue\r\n", length=len(BODY)))
        await client.body_until(b"HTTP/1.1 100 Continue\r\n\r\n")
        await client.send(BODY)
        assert (await client.reply()).status == 200


async def test_expect_100_continue_with_a_body_that_would_be_refused(running: Running) -> None:
    async with running.client() as client:
        await client.send(post(b"", "Expect: 100-continue\r\n", length=LIMIT + 1))
        assert (await client.reply()).status == 413


@pytest.mark.parametrize("headers", ["", "Connection: keep-alive\r\n"])
async def test_http_1_0_gets_one_answer_with_a_length(running: Running, headers: str) -> None:
    async with running.client() as client:
        await client.send(post(headers=headers, version="1.0"))
        reply = await client.reply()
        assert (reply.status, reply.whole, reply.headers["connection"]) == (200, True, "close")
        assert await client.closed() == b""


CLOSES = "Connection: close\r\n"
STREAM = BODY.replace(b"{", b'{"stream": true, ', 1)
LAST: dict[str, tuple[bytes, int]] = {
    "an answer": (post(headers=CLOSES), 200),
    "a stream": (post(STREAM, headers=CLOSES), 200),
    "a page": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    "an unknown page": (b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    "a wrong method": (post(headers=CLOSES).replace(b"POST", b"PUT"), 405),
    "an unknown role": (post(BODY.replace(b"role", b"rule", 1), headers=CLOSES), 404),
    "no JSON": (post(b"{", headers=CLOSES), 400),
    "what nobody can do": (post(BODY.replace(b'"hi"', b'[{"type": "image_url"}]'), headers=CLOSES), 400),
}


@pytest.mark.parametrize("kind", LAST)
async def test_connection_close_is_kept_and_said(running: Running, kind: str) -> None:
    data, status = LAST[kind]
    async with running.client() as client:
        await client.send(data)
        reply = await client.reply()
        assert (reply.status, reply.whole, reply.headers["connection"]) == (status, True, "close")
        assert await client.closed() == b""


async def test_also_by_the_error_of_a_chain_that_failed() -> None:
    async with Upstream(scripts.status(500)) as upstream, role(upstream.address) as running, running.client() as client:
        await client.send(post(headers=CLOSES))
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (502, "close")
        assert await client.closed() == b""


async def test_bytes_after_connection_close_are_ignored(running: Running) -> None:
    async with running.client() as client:
        await client.send(post(headers="Connection: close\r\n") + post())
        assert (await client.reply()).status == 200
        assert await client.closed() == b""


@pytest.mark.parametrize("path", ["/healthz", "/v1/models", "/nowhere"])
async def test_head_has_the_head_of_get_and_no_body(running: Running, path: str) -> None:
    async with running.client() as client:
        got = await client.get(path)
        head = await client.get(path, "HEAD")
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        assert (await client.get(path)).body == got.body  # the connection is still in step


async def test_a_head_where_only_post_is_right_has_no_body(running: Running) -> None:
    async with running.client() as client:
        reply = await client.get("/v1/chat/completions", "HEAD")
        assert (reply.status, reply.headers["allow"], reply.body) == (405, "POST", b"")
        assert (await client.get("/healthz")).status == 200  # the connection is still in step


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("PUT", "/healthz", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_405_and_says_which_is_right(
    running: Running, method: str, path: str, allow: str
) -> None:
    async with running.client() as client:
        reply = await client.get(path, method)
        assert (reply.status, reply.headers["allow"]) == (405, allow)
        error_object(reply.json)
        assert (await client.get("/healthz")).status == 200


async def test_unknown_paths_are_404(running: Running) -> None:
    async with running.client() as client:
        for path in ("/", "/v1", "/v1/chat", "/v1/chat/completions/x", "/..%2f", "//healthz"):
            reply = await client.get(path)
            assert (reply.status, error_object(reply.json)["code"]) == (404, "not_found")


async def test_a_query_and_an_absolute_target_are_understood(running: Running) -> None:
    async with running.client() as client:
        assert (await client.get("/healthz?probe=1")).status == 200
        assert (await client.get("http://auriga:8080/healthz")).status == 200


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"model=role",
    "cut JSON": BODY[:-1],
    "an array": b'[{"model": "role"}]',
    "NaN": b'{"model": "role", "x": NaN}',
    "not UTF-8": b'{"model": "role", "x": "\xff"}',
    "a nesting bomb": b'{"model": "role", "x": ' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "no model": b"{}",
    "model is null": b'{"model": null}',
    "model is a number": b'{"model": 7}',
    "model is empty": b'{"model": ""}',
    "stream is text": b'{"model": "role", "stream": "yes"}',
}


@pytest.mark.parametrize("kind", BAD_BODIES)
async def test_a_body_that_is_no_request_is_400_and_the_connection_goes_on(running: Running, kind: str) -> None:
    async with running.client() as client:
        await client.send(post(BAD_BODIES[kind]))
        reply = await client.reply()
        assert (reply.status, reply.whole) == (400, True)
        assert error_object(reply.json)["type"] == "invalid_request_error"
        await client.send(post())
        assert (await client.reply()).status == 200
    assert running.outcomes == [("m1", "Ok")]

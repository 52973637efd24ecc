"""Requests out of bytes: the same whatever the reads, and nothing but HTTP errors whatever the bytes."""

from __future__ import annotations

from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_router.wire.request import MAX_HEAD, RequestReader, check

LIMIT = 1000
TOKEN = st.text("abcXYZ-", min_size=1, max_size=8)
HEADERS = st.lists(st.tuples(TOKEN, st.text("abc ,=", max_size=8).map(str.strip)), max_size=4)
PLACES = st.lists(st.integers(0, 3000), max_size=10)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, bytes, dict[bytes, bytes]]:
    """A request as bytes, its body, and some of its headers."""
    body = draw(st.binary(max_size=60))
    kept = draw(st.dictionaries(st.sampled_from(["X-Request-ID", "traceparent", "HOST"]), TOKEN))
    lines = [f"{name}: {value}" for name, value in [*draw(HEADERS), *kept.items()]]
    if draw(st.booleans()):
        framing, sent = f"Content-Length: {len(body)}", body
        kept["content-length"] = str(len(body))
    else:
        cut = draw(st.integers(0, len(body)))
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nHost: trailer\r\n\r\n"
        framing = "Transfer-Encoding: chunked"
        kept["transfer-encoding"] = "chunked"
    if draw(st.booleans()):
        lines += ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"]
    empty = "\r\n" * draw(st.integers(0, 2))
    head = empty + "\r\n".join(["POST /v1/chat/completions HTTP/1.1", *lines, framing, "", ""])
    return head.encode() + sent, body, {name.lower().encode(): value.encode() for name, value in kept.items()}


def _reads(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(requests(), min_size=1, max_size=4), PLACES)
def test_requests_are_the_same_however_they_are_read(
    expected: list[tuple[bytes, bytes, dict[bytes, bytes]]], places: list[int]
) -> None:
    reader = RequestReader(LIMIT)
    for data in _reads(b"".join(data for data, _, _ in expected), places):
        reader.feed(data)
    assert reader.current is None
    assert [request.body for request in reader.whole] == [body for _, body, _ in expected]
    for request, (_, _, headers) in zip(reader.whole, expected, strict=True):
        assert {name: request.headers.get(name) for name in headers} == headers
    assert all(request.method == b"POST" and request.keep_alive for request in reader.whole)
    assert not any(request.repeats for request in reader.whole)  # what stands in a trailer counts for nothing


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from([b"GET ", b"POST ", b"/", b" HTTP/1.1", b"\r\n", b"Content-Length: ", b"5", b"\x00", b":",
                             b"Transfer-Encoding: chunked", b"Connection: upgrade", b"Upgrade: x", b"abcde", b"0"]),
            max_size=20,
        ).map(b"".join),
    ),
    PLACES,
)  # fmt: skip
def test_any_bytes_give_requests_or_an_http_error(data: bytes, places: list[int]) -> None:
    reader = RequestReader(LIMIT)
    try:
        for piece in _reads(data, places):
            reader.feed(piece)
    except httptools.HttpParserCallbackError:
        raise
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        pass
    for request in [*reader.whole, reader.current]:
        if request is not None:
            check(request, LIMIT)
            assert request.size <= LIMIT or not request.body


@pytest.mark.parametrize("piece", [1, 400, LIMIT, LIMIT + 1, 5 * LIMIT])
def test_of_a_body_that_is_too_large_nothing_is_kept(piece: int) -> None:
    reader = RequestReader(LIMIT)
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n")
    request = reader.current
    assert request is not None
    while request.size <= LIMIT:
        assert len(request.body) == request.size
        reader.feed(b"x" * piece)
    assert request.body == b""


@pytest.mark.parametrize(
    ("start", "filler"),
    [
        (b"GET /", b"x"),
        (b"GET / HTTP/1.1\r\nX: ", b"x"),
        (b"GET / HTTP/1.1\r\nX", b"x"),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n"),
    ],
)
@pytest.mark.parametrize("size", [6, 4098, 70_002])
def test_a_head_without_end_is_noticed(start: bytes, filler: bytes, size: int) -> None:
    reader = RequestReader(LIMIT)
    reader.feed(start)
    read = filler * (size // len(filler))
    for _ in range(MAX_HEAD // size + 2):
        reader.feed(read)
    assert reader.current is not None
    refused = check(reader.current, LIMIT)
    assert refused is not None
    assert refused.status == 431

"""What is kept of a request's head: the headers that somebody asks for, however they are written."""

from __future__ import annotations

import pytest

from auriga_router.wire import request
from auriga_router.wire.request import MAX_HEAD, Request, RequestReader, check


def _read(*headers: bytes) -> Request:
    reader = RequestReader(1 << 20)
    lines = b"".join(header + b"\r\n" for header in headers)
    reader.feed(b"POST / HTTP/1.1\r\n" + lines + b"Content-Length: 2\r\n\r\n{}")
    return reader.whole.pop(0)


@pytest.mark.parametrize("name", [b"Host", b"host", b"HOST", b"hOsT"])
def test_a_header_is_known_in_every_spelling(name: bytes) -> None:
    for _ in range(2):
        assert _read(name + b": a").headers == {b"host": b"a", b"content-length": b"2"}


def test_a_repeated_host_is_seen_across_spellings() -> None:
    refusal = check(_read(b"Host: a", b"HOST: b"), 1 << 20)
    assert refusal is not None
    assert "more than one host" in refusal.message


@pytest.mark.parametrize("name", [b"Connection", b"Proxy-Connection", b"proxy-connection"])
def test_http_1_0_stays_that_however_it_asks_to_be_kept(name: bytes) -> None:
    """llhttp takes the old name for the new one. Who takes such a request for HTTP/1.1 lets chunks through."""
    reader = RequestReader(1 << 20)
    reader.feed(
        b"POST / HTTP/1.0\r\n" + name + b": keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    request = reader.whole.pop(0)
    assert (request.http10, request.keep_alive) == (True, False)
    refusal = check(request, 1 << 20)
    assert refusal is not None
    assert "HTTP/1.0 has no Transfer-Encoding" in refusal.message


def test_a_version_that_is_none_of_ours_is_not_hidden_by_the_old_name_either() -> None:
    reader = RequestReader(1 << 20)
    reader.feed(b"POST / HTTP/2.0\r\nHost: a\r\nProxy-Connection: keep-alive\r\nContent-Length: 2\r\n\r\n{}")
    refusal = check(reader.whole.pop(0), 1 << 20)
    assert refusal is not None
    assert refusal.status == 505


def test_names_that_are_made_up_are_not_remembered_for_ever() -> None:
    for number in range(5000):
        assert _read(b"Host: a", b"X-%d: y" % number).headers.keys() == {b"host", b"content-length"}
    assert len(request._SPELLINGS) <= 1024
    long = b"x" * (MAX_HEAD // 2)
    _read(b"Host: a", long + b": y")
    assert long not in request._SPELLINGS

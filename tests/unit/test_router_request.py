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


def test_names_that_are_made_up_are_not_remembered_for_ever() -> None:
    for number in range(5000):
        assert _read(b"Host: a", b"X-%d: y" % number).headers.keys() == {b"host", b"content-length"}
    assert len(request._SPELLINGS) <= 1024
    long = b"x" * (MAX_HEAD // 2)
    _read(b"Host: a", long + b": y")
    assert long not in request._SPELLINGS

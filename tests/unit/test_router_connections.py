"""A caller's connection, read by read: when a body is asked for, when it is too large, and what waits for what."""

from __future__ import annotations

import pytest

from support.wire_client import LIMIT, Client

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def head(length: int, *lines: bytes) -> bytes:
    framing = (b"Host: a", b"Content-Length: %d" % length, *lines)
    return b"POST / HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in framing) + b"\r\n"


def expecting(length: int) -> bytes:
    return head(length, b"Expect: 100-continue")


@pytest.mark.parametrize("piece", [1, 7, 400])
def test_it_is_answered_once_when_the_head_is_here(piece: int) -> None:
    client = Client()
    client.sends(expecting(400)[:-1])
    assert not client.socket.sent
    client.sends(b"\n")
    assert client.socket.sent == GO_ON
    for _ in range(0, 400, piece):
        client.sends(b"x" * min(piece, 400))
    assert client.socket.sent.count(GO_ON) == 1


def test_each_request_of_a_connection_gets_its_own() -> None:
    client = Client()
    for number in range(1, 4):
        client.sends(expecting(2))
        client.sends(b"ab")
        assert client.socket.sent.count(GO_ON) == client.socket.sent.count(b"HTTP/1.1 200 ") == number


def test_who_did_not_ask_or_did_not_wait_gets_none() -> None:
    client = Client()
    client.sends(head(2))
    client.sends(b"ab")
    client.sends(expecting(2) + b"ab")
    assert GO_ON not in client.socket.sent
    assert client.socket.sent.count(b"HTTP/1.1 200 ") == 2


def test_a_body_that_will_be_refused_is_not_asked_for() -> None:
    client = Client()
    client.sends(expecting(LIMIT + 1))
    assert client.socket.sent.startswith(b"HTTP/1.1 413 ")
    assert GO_ON not in client.socket.sent


def test_never_amid_the_reply_to_the_request_before() -> None:
    client = Client(slow=True)
    client.sends(head(2) + b"ab" + expecting(2))
    assert not client.socket.sent
    client.answers()
    answer = client.socket.sent
    client.sends(b"cd")
    client.answers()
    assert answer.endswith(b"ab")
    assert client.socket.sent.startswith(answer)
    assert client.socket.sent.endswith(b"cd")


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("piece", [1, 10, LIMIT])
def test_chunks_are_refused_as_soon_as_they_are_too_much_and_not_before(piece: int) -> None:
    client = Client()
    client.sends(CHUNKED)
    for _ in range(LIMIT // piece):
        client.sends(b"%x\r\n%s\r\n" % (piece, b"x" * piece))
    assert not client.socket.sent
    client.sends(b"1\r\nx")
    assert client.socket.sent.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "framed", [head(LIMIT) + b"x" * LIMIT, CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (LIMIT, b"x" * LIMIT)]
)
def test_a_body_may_be_as_large_as_the_limit(framed: bytes) -> None:
    client = Client()
    client.sends(framed)
    assert client.socket.sent.startswith(b"HTTP/1.1 200 ")
    assert client.socket.sent.endswith(b"x" * LIMIT)


def test_a_client_that_does_not_read_its_replies_gets_no_more_of_them() -> None:
    client = Client()
    client.connection.pause_writing()
    client.sends((head(2) + b"ab") * 3)
    assert not client.socket.sent
    client.connection.resume_writing()
    assert client.socket.sent.count(b"HTTP/1.1 200 ") == 3

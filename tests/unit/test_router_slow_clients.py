"""A client gets 30 seconds for a head and 300 for a body, however it trickles; and is cut off if it says nothing."""

from __future__ import annotations

import pytest

from auriga_router.wire.http import reply
from auriga_router.wire.request import Request
from auriga_router.wire.server import Hub, ServerConnection
from support.wire_client import LIMIT, Client, Socket

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n"
WHOLE = HEAD + b"\r\n" + b"x" * 400


@pytest.mark.parametrize("before", [b"", WHOLE], ids=["first", "second"])
@pytest.mark.parametrize(("seconds", "status"), [(29, b""), (31, b"408")])
def test_a_head_that_trickles_is_bounded_as_a_whole(seconds: float, status: bytes, before: bytes) -> None:
    """Also where the connection has been idle before."""
    client = Client()
    client.sends(before)
    client.socket.sent = b""
    client.waits(20 if before else 0)
    client.trickles(HEAD, seconds)
    assert (client.status, bool(client.socket.ended)) == (status, bool(status))


@pytest.mark.parametrize(("seconds", "status"), [(299, b"200"), (301, b"408")])
def test_so_is_a_body(seconds: float, status: bytes) -> None:
    client = Client()
    client.trickles(HEAD + b"\r\n", 10)
    client.trickles(b"x" * 400, seconds)
    assert client.status == status


def test_who_was_refused_and_does_not_go_is_cut_off() -> None:
    client = Client()
    client.trickles(HEAD, 31)
    assert client.socket.ended == "eof"
    client.waits(3)
    assert client.socket.ended == "abort"


@pytest.mark.parametrize(("seconds", "ended"), [(28, "eof"), (31, "abort")])
def test_who_was_refused_may_send_on_for_a_while(seconds: int, ended: str) -> None:
    """Many look for a reply only when they have sent all: cut off before that, they see a reset."""
    client = Client()
    client.sends(HEAD.replace(b"400", b"4000") + b"\r\n")
    assert (client.status, client.socket.ended) == (b"413", "eof")
    for _ in range(seconds):
        client.waits(1)
        client.sends(b"x" * 100)
    client.waits(1)
    assert client.socket.ended == ended
    client.waits(2)
    assert client.socket.ended == "abort"


def test_of_a_body_that_was_refused_nothing_is_kept() -> None:
    client = Client()
    client.trickles(HEAD + b"\r\n", 1)
    client.trickles(b"x" * 300, 301)
    assert client.status == b"408"
    request = client.connection._reader.current
    assert request is not None
    assert (request.pieces, request.joined) == ([], None)


def test_who_says_nothing_is_cut_off_at_first_and_between_two_requests() -> None:
    for said, patience in ((b"", 30), (WHOLE, 75)):
        client = Client()
        if said:
            client.trickles(said, 1)
        client.waits(patience - 1)
        assert not client.socket.ended
        client.waits(2)
        assert client.socket.ended == "abort"


def test_who_waits_for_an_answer_may_be_silent_however_long_that_takes() -> None:
    client = Client(slow=True)
    client.sends(WHOLE)
    for _ in range(60):
        client.waits(60)
    assert not client.socket.ended
    client.answers()
    assert client.status == b"200"


def answering_at_once() -> Hub:
    def handle(request: Request, client: ServerConnection) -> None:
        client.write(reply(200, b"", request.body))
        client.done(keep_alive=True)

    hub = Client().hub
    hub.handle = handle
    return hub


def begins(hub: Hub, size: int) -> tuple[ServerConnection, Socket]:
    """A body of which all but the last byte has come."""
    connection, socket = ServerConnection(hub), Socket()
    connection.connection_made(socket)
    connection.data_received(b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
    connection.data_received(b"x" * (size - 1))
    return connection, socket


def test_bodies_that_never_end_do_not_add_up() -> None:
    hub = answering_at_once()
    others = [begins(hub, LIMIT) for _ in range(12)]
    assert [socket.sent[9:12] for _, socket in others] == [b""] * 8 + [b"503"] * 4
    assert hub.receiving == 8 * (LIMIT - 1)
    small, large = begins(hub, 20), begins(hub, 500)
    small[0].data_received(b"x")
    assert (small[1].sent[9:12], large[1].sent[9:12]) == (b"200", b"503")


def test_what_came_counts_until_it_is_whole_or_its_client_goes() -> None:
    hub = answering_at_once()
    others = [begins(hub, LIMIT) for _ in range(9)]
    others[0][0].data_received(b"x")
    assert (others[0][1].sent[9:12], hub.receiving) == (b"200", 7 * (LIMIT - 1))
    for connection, _ in others:
        connection.connection_lost(None)
    assert hub.receiving == 0
    connection, socket = begins(hub, LIMIT)
    connection.data_received(b"xPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    assert (socket.sent[9:12], hub.receiving) == (b"200", 3)

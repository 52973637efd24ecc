"""What becomes of a request that the router itself stumbles over."""

from __future__ import annotations

import pytest

from auriga_router.admin import Admin
from auriga_router.front import Front
from auriga_router.table import RoutingTable
from auriga_router.wire.request import Request
from auriga_router.wire.server import ServerConnection
from support.simulation import Simulation
from support.wire_client import Client


def _stumbles(request: Request, client: ServerConnection) -> None:
    raise RuntimeError("a bug")


def test_a_bug_costs_one_request_and_tells_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    world = Simulation({}, endpoints={}).world
    front = Front(world, Admin(lambda: 0.0, RoutingTable, lambda: iter(())), _stumbles, "id", lambda: 0.5)
    client = Client()
    client.hub.handle, client.hub.refuse = front.handle, front.refuse
    client.sends(b"POST /load HTTP/1.1\r\nHost: a\r\nAuthorization: secret\r\nContent-Length: 6\r\n\r\nsecret")
    assert client.socket.sent.startswith(b"HTTP/1.1 500 ")
    assert b"internal error" in client.socket.sent
    assert client.socket.ended == "close"
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "a bug" in caplog.text
    assert "secret" not in caplog.text

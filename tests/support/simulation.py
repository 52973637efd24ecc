"""Exchanges without sockets or waiting: endpoints follow a script of faults, and the clock jumps to the next event.

What an endpoint says where nothing goes wrong stands in ``simulation_answers``.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auriga_api import Model, RoleChain
from auriga_router.admission import admit
from auriga_router.attempts import Attempt
from auriga_router.call import Call
from auriga_router.compile import compile as compile_table
from auriga_router.dialects.paths import OPERATIONS
from auriga_router.endpoint import Endpoint
from auriga_router.exchange import Exchange
from auriga_router.inside import Folding, streamed
from auriga_router.ports import CoarseClock, Timed, UpstreamUser
from auriga_router.queues import call_beside, call_edited, resize
from auriga_router.snapshot import Snapshot
from auriga_router.sweep import EXCHANGES_EVERY, expire
from auriga_router.table import Backend
from auriga_router.watch import Watch
from auriga_router.wire.http import ResponseHead
from auriga_router.wire.request import Request
from auriga_router.world import World
from support import upstreams_scripts as scripts
from support.http_router import snapshot
from support.simulation_answers import TURN, Rest, rest_of, whole_of

PACE = 0.01
"""Seconds between two events."""
_SSE = ResponseHead(200, b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
_JSON = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
_HTML = ResponseHead(200, b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n")

BEFORE = (
    "refused", "no connection", "reset", "hang", "500", "503", "429", "401", "404", "html", "broken JSON", "empty",
    "error in 200", "slow", "529", "429 for 3", "not HTTP", "head and no more",
)  # fmt: skip
"""Faults before anything is said. ``slow``: the first token comes after 0.5 s, which is no fault for the patient."""
CALLERS = "400"
"""What the caller is at fault for: its error is returned as it is."""
AFTER = ("cut", "stall", "error event", "malformed event", "no end mark", "bad chunk", "half an event")
"""Faults in the middle of an answer."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    kind: str
    after: int = 0
    """Words that are said before it (of a streamed answer)."""


@dataclass
class Server:
    """What is at one address."""

    faults: list[Fault] = field(default_factory=list)
    """Of its first requests, in order; the others go well."""
    hung: bool = False
    calls: bool = False
    """Its answers end with the call of a tool."""
    dead: bool = False
    """Nobody listens."""
    requests: int = 0
    connections: list[Connection] = field(default_factory=list)
    """All that there were."""

    def next(self) -> Fault | None:
        self.requests += 1
        return self.faults.pop(0) if self.faults else None


class Client:
    """The caller."""

    def __init__(self) -> None:
        self.exchange: Exchange
        self.received = b""
        self.whole: bool | None = None
        """How the reply ended: with a connection that may be kept or not; None before."""

    def write(self, data: bytes) -> None:
        assert self.whole is None, "bytes after the end"
        self.received += data

    def retract(self) -> bool:
        return False

    def done(self, *, keep_alive: bool) -> None:
        assert self.whole is None, "two ends"
        self.whole = keep_alive


class Simulation:
    """Time, network and servers."""

    def __init__(self, servers: dict[str, Server], *objects: Model | RoleChain, endpoints: dict[str, Any]) -> None:
        self.now = 1000.0
        self.servers = servers
        self.attempts: list[Attempt] = []
        self.open: set[Connection] = set()
        self.kept = False
        """Every connection has been used before."""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self.world = World(
            connector=self,
            now=lambda: self.now,
            coarse=CoarseClock(self.now),
            wall_now=lambda: 1_800_000_000.0,
            timed=set[Timed](),
            on_attempt=self.attempts.append,
            on_reply=None,
            hold_limit=1 << 20,
            answer_limit=1 << 20,
            backend=self._backend,
            renew=self._renew,
        )
        self.table = compile_table(snapshot(*objects, endpoints=endpoints))

    def apply(self, state: Snapshot) -> None:
        """The world is different from now on. As the router does it."""
        before = self.table
        self.table = compile_table(state, before)
        for key in self.table.changed:
            old, new = before.backends.get(key), self.table.backends.get(key)
            resize(old, new, self.now)
            if old is not None and old.asleep and new is not None and not new.asleep:
                call_beside(self.table, key, self.now)
        call_edited(before, self.table, self.now)

    def _backend(self, key: str) -> Backend | None:
        return self.table.backends.get(key)

    def _renew(self, call: Call) -> bool:
        chain = (self.table.chains if call.chain.is_role else self.table.directs).get(call.chain.key)
        call.chain = chain or call.chain
        return chain is not None

    def ask(self, body: dict[str, Any], path: bytes = b"/v1/chat/completions") -> Client:
        """Begin a request."""
        request = Request()
        request.pieces.append(json.dumps(body).encode())
        call = admit(request, OPERATIONS[path], self.table, b"request-1")
        assert isinstance(call, Call), call
        client = Client()
        inside = call.chain.inside and streamed(call)
        client.exchange = Exchange(self.world, Folding(client, call, 1 << 20) if inside else client, call)
        client.exchange.start()
        return client

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._count), action))

    def kill(self, *addresses: str) -> None:
        """Nobody is at these addresses any more: their connections are reset."""
        for address in addresses:
            server = self.servers[address]
            server.dead = True
            for connection in server.connections:
                connection.reset()

    def run(self, limit: float = 10_000) -> float:
        """Until nothing is under way. Gives the seconds that took."""
        start, sweep = self.now, self.now
        while self.world.timed:
            sweep_next = sweep + EXCHANGES_EVERY
            if self._events and self._events[0][0] <= sweep_next:
                self.now, _, action = heapq.heappop(self._events)
                action()
            else:
                self.now = sweep = self.world.coarse.now = sweep_next
                expire(self.world.timed, self.now)
            assert self.now - start < limit, "it never ends"
        return self.now - start

    def run_all(self) -> float:
        """As ``run``, until nothing is to happen any more either. Gives the seconds that took."""
        start = self.now
        while self._events or self.world.timed:
            if not self.world.timed:
                self.now, _, action = heapq.heappop(self._events)
                action()
            self.run()
        return self.now - start

    # --- Connector

    def acquire(self, endpoint: Endpoint, user: UpstreamUser, *, fresh: bool = False) -> None:
        Connection(self, self.servers[endpoint.name], user)

    def forget(self, endpoint: Endpoint, user: UpstreamUser) -> None:
        """Nobody waits for the connection any more."""
        for connection in [each for each in self.open if each.is_for(user)]:
            connection.abort()


class Connection:
    """One connection, for one request."""

    def __init__(self, simulation: Simulation, server: Server, user: UpstreamUser) -> None:
        self._simulation = simulation
        self.reused = simulation.kept
        simulation.open.add(self)
        self._paused: list[Callable[[], None]] | None = None
        """What waits until the router reads again."""
        self._server = server
        self._user: UpstreamUser | None = user
        self._asked = False
        looks = isinstance(user, Watch)
        self._fault = None if looks else server.next()
        server.connections.append(self)
        kind = "refused" if server.dead else self._fault.kind if self._fault else ""
        if kind == "refused":
            self._tell(0.001, self._refused)
        elif kind != "no connection":
            self._tell(0.001, lambda: user.on_connect_failed() if server.dead else user.on_connected(self))

    def _tell(self, seconds: float, action: Callable[[], None]) -> None:
        def act() -> None:
            if self._paused is not None:
                self._paused.append(act)
            elif self._user is not None and self._user in self._simulation.world.timed:
                action()

        self._simulation.later(seconds, act)

    def is_for(self, user: UpstreamUser) -> bool:
        return self._user is user

    def abort(self) -> None:
        self._user = None
        self._simulation.open.discard(self)

    release = abort

    def pause(self) -> None:
        self._paused = []

    def resume(self) -> None:
        waiting, self._paused = self._paused or [], None
        for act in waiting:
            self._simulation.later(0.0, act)

    def _refused(self) -> None:
        user = self._user
        self.abort()
        assert user is not None
        user.on_connect_failed()

    def _broken(self, *, framing: bool = False, silent: bool = False) -> None:
        user, self._user = self._user, None
        self._simulation.open.discard(self)
        assert user is not None
        self._asked = False
        user.on_broken(framing=framing, silent=silent)

    def reset(self) -> None:
        if self._user is not None and self._asked:
            self._broken()

    def send(self, head: bytes, body: bytes) -> None:
        user, fault = self._user, self._fault
        self._asked = True
        assert user is not None
        path = head.split(b" ", 2)[1].decode()
        if path == "/health":
            if not self._server.hung:
                self._tell(0.001, lambda: user.on_response(ResponseHead(200, _JSON % 200), b"{}", True))
            return
        delay = 0.5 if fault and fault.kind == "slow" else 0.002
        asked = json.loads(body)
        if fault and fault.kind in (*BEFORE, CALLERS) and fault.kind != "slow":
            self._fail(user, fault.kind, delay, streams=bool(asked.get("stream")))
        elif path == "/apply-template":
            last = asked["messages"][-1]
            start = last["content"] if last["role"] == "assistant" else ""
            prompt = json.dumps({"prompt": f"...{TURN}{start}"}).encode()
            self._tell(delay, lambda: user.on_response(ResponseHead(200, _JSON % 200), prompt, True))
        elif asked.get("stream"):
            self._stream(user, fault, delay, rest_of(path, asked, calls=self._server.calls))
        else:
            broken = fault is not None and fault.kind != "slow"
            self._whole(user, whole_of(path, calls=self._server.calls), delay, broken=broken)

    def _fail(self, user: UpstreamUser, kind: str, delay: float, *, streams: bool) -> None:
        error = scripts.error_body()
        bad = {"broken JSON": b'{"choices', "error in 200": error, "empty": b"", "head and no more": b""}
        if kind == "hang":
            self._server.hung = True
        elif kind in ("reset", "not HTTP"):
            self._tell(delay, lambda: self._broken(silent=kind == "reset", framing=kind == "not HTTP"))
        elif kind == "html":
            self._tell(delay, lambda: user.on_response(_HTML, b"<html></html>", True))
        elif kind in bad:
            data = scripts.chunk(b"data: %s\n\n" % bad[kind]) if streams and bad[kind] else bad[kind]
            head, whole = _SSE if streams else ResponseHead(200, _JSON % 200), not streams or kind == "empty"
            self._tell(delay, lambda: user.on_response(head, data, whole and kind != "head and no more"))
            if kind == "head and no more":
                self._tell(delay + PACE, self._broken)
        else:
            status, _, wait = kind.partition(" for ")
            raw = _JSON % int(status)
            raw = raw.replace(b"\r\n\r\n", b"\r\nretry-after: %s\r\n\r\n" % wait.encode()) if wait else raw
            self._tell(delay, lambda: user.on_response(ResponseHead(int(status), raw), error, True))

    def _whole(self, user: UpstreamUser, answer: bytes, delay: float, *, broken: bool) -> None:
        head = ResponseHead(200, _JSON % 200)
        if broken:
            self._tell(delay, lambda: user.on_response(head, answer[:-9], False))
            self._tell(delay + PACE, self._broken)
        else:
            self._tell(delay, lambda: user.on_response(head, answer, True))

    def _stream(self, user: UpstreamUser, fault: Fault | None, delay: float, rest: Rest) -> None:
        start, words, end = rest
        broken = fault is not None and fault.kind in AFTER
        said = words[: fault.after] if fault is not None and broken else words
        self._tell(delay, lambda: user.on_response(_SSE, b"", False))
        pieces = [*start, *said, *([] if broken else end)]
        for number, piece in enumerate(pieces, 1):
            self._tell(delay + number * PACE, lambda piece=piece: user.on_data(scripts.chunk(piece), False))
        over = delay + (len(pieces) + 1) * PACE
        kind = fault.kind if fault is not None and broken else "end"
        if kind == "cut":
            self._tell(over, self._broken)
        elif kind == "bad chunk":
            self._tell(over, lambda: self._broken(framing=True))
        elif kind == "half an event":
            self._tell(over, lambda: user.on_data(scripts.chunk(scripts.ROLE)[:40], False))
            self._tell(over + PACE, self._broken)
        elif kind == "error event":
            self._tell(over, lambda: user.on_data(scripts.chunk(b"data: %s\n\n" % scripts.error_body()), False))
        elif kind == "malformed event":
            self._tell(over, lambda: user.on_data(scripts.chunk(b'data: {"choices": [{"del\n\n'), False))
        elif kind != "stall":
            self._tell(over, lambda: user.on_data(b"0\r\n\r\n", True))

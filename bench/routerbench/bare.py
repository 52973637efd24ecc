"""The whole router on transports without sockets: what it works itself, without the kernel and the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence

from auriga_router.attempt_log import AttemptLog
from auriga_router.router import Router
from routerbench.world import snapshot

Receive = Callable[[bytes], None]
"""What an event loop calls when bytes have come."""
Factory = Callable[[], asyncio.Protocol]
_TURNS = 100
"""Turns of the event loop in which a connection must be there."""


class Wire(asyncio.Transport):
    """A transport that hands what is written to a function."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        super().__init__()
        self.write = write  # type: ignore[assignment, method-assign]  # not a call more than needed

    def writelines(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.write(piece)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def close(self) -> None:
        raise AssertionError("the router closed a connection that it should keep")

    abort = close


class _Loop(asyncio.SelectorEventLoop):
    """Connects at once, to nobody. `asked`: who has got a request, the last one last."""

    def __init__(self) -> None:
        super().__init__()
        self.accept: Factory
        self.asked: list[Receive] = []

    async def create_server(self, factory: Factory, *_: object, **__: object) -> None:
        self.accept = factory

    async def create_connection(self, factory: Factory, *_: object, **__: object) -> tuple[Wire, asyncio.Protocol]:
        protocol = factory()
        receive = protocol.data_received
        wire = Wire(lambda data: self.asked.append(receive))
        protocol.connection_made(wire)
        return wire, protocol


class Bare:
    """A router without sockets, and one client's connection to it."""

    def __init__(self, loop: _Loop, log: AttemptLog) -> None:
        self._loop = loop
        self._log = log
        self._sent: list[bytes] = []
        client = loop.accept()
        client.connection_made(Wire(self._sent.append))
        self._client_sends: Receive = client.data_received

    def exchange(self, request: bytes, response: Sequence[bytes]) -> None:
        """A request comes in, and the endpoint's response in these reads."""
        self._client_sends(request)
        receive = self._loop.asked[-1]
        for data in response:
            receive(data)

    def connect(self, request: bytes, response: Sequence[bytes], needle: bytes) -> None:
        """An exchange for which the router connects if it must. Its reply is looked at."""
        self._sent.clear()
        self._loop.asked.clear()
        self._loop.call_soon(self._client_sends, request)
        for _ in range(_TURNS):
            self._loop.run_until_complete(asyncio.sleep(0))
            if self._loop.asked:
                break
        for data in response:
            self._loop.asked[-1](data)
        reply = b"".join(self._sent)
        if not reply.startswith(b"HTTP/1.1 200") or needle not in reply:
            raise AssertionError(f"the router answered {reply[:500]!r}")

    def tidy(self) -> None:
        """Forget what was written; what the attempt log has not written goes nowhere."""
        self._sent.clear()
        del self._loop.asked[:-1]
        self._loop.run_until_complete(self._log.flush())


@contextlib.contextmanager
def router(*, models: int = 1, endpoints: int = 1) -> Iterator[Bare]:
    """A router with all default features on, the attempt log included. Its roles are `role-0`, `role-1`, ..."""
    loop = _Loop()
    asyncio.set_event_loop(loop)
    log = AttemptLog(lambda lines: None, lambda make: make())
    under_test = Router(on_attempt=log)
    under_test.apply(
        snapshot(models, endpoints, lambda n, host: f"10.{n // 250}.{n % 250}.{host + 1}:8080", lambda n: f"role-{n}")
    )
    with contextlib.closing(loop), socket.socket() as sock:
        loop.run_until_complete(under_test.start(sock))
        yield Bare(loop, log)

"""The place of a run: the mock on its core, the right answers as files, routers on the other, one of them awake."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from routerbench import payloads, processes
from routerbench.client import Expectation, Load, WrongAnswerError
from routerbench.peers import Handling, Launch, Peer, Site
from routerbench.processes import free_port, pinned, running
from routerbench.samples import DIRECT
from routerbench.scenarios import CHAT, Scenario

START_LIMIT = 120.0
"""Seconds in which a router must answer its first request."""


class Cores(NamedTuple):
    """The core of the router under test, and that of load generator and mock."""

    router: int
    load: int


@dataclass(frozen=True, slots=True)
class Contestant:
    """What is under load: a router, or the mock itself."""

    name: str
    port: int
    pid: int
    handling: Handling = field(default_factory=Handling)


class Arena:
    """Everything that all measurements of a run share."""

    def __init__(self, cores: Cores, folder: Path, cache: Path, load: Load, upstream: Contestant) -> None:
        self.cores = cores
        self.folder = folder
        self.load = load
        self.upstream = upstream
        self._cache = cache
        self._expected: dict[tuple[str, bool], Expectation] = {}

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls, cores: Cores, folder: Path, cache: Path, mock: Path, load: Path, *, addresses: int = 1
    ) -> Iterator[Arena]:
        """`addresses`: how many the mock has, from 127.0.0.1 on."""
        port = free_port()
        command = pinned([str(mock), str(port), str(addresses)], cores.load)
        with running(command, {}, folder / "mock.log") as process:
            _await_answer(process, port, payloads.small()[0])
            yield cls(cores, folder, cache, Load(load, cores.load, folder), Contestant(DIRECT, port, process.pid))

    def expectation(self, scenario: Scenario, *, rewrites: bool) -> Expectation:
        """What answers to a scenario must be: the mock's own bytes, or the pieces of text in them."""
        key = (scenario.name, rewrites)
        if key not in self._expected:
            reference = ask(self.upstream.port, scenario.bodies[0])
            stream = payloads.stream_pieces(scenario.chunks, scenario.end)
            pieces = stream if scenario.chunks else payloads.json_pieces(reference)
            if scenario.path == CHAT and not payloads.has_in_order(reference, pieces):
                raise WrongAnswerError(f"the mock itself answers {scenario.name} with {reference[:300]!r}")
            file = self.folder / f"{scenario.name}.{'pieces' if rewrites else 'expect'}"
            file.write_text("".join(f"{piece}\n" for piece in pieces) if rewrites else reference)
            self._expected[key] = Expectation(file, rewrites)
        return self._expected[key]

    @contextlib.contextmanager
    def started(self, peer: Peer) -> Iterator[tuple[Contestant, Launch]]:
        """A router that has answered one request, with what it was started by. It is halted: see `awake`."""
        folder = self.folder / peer.name
        folder.mkdir(exist_ok=True)
        port = free_port()
        launch = peer.launch(Site(peer.install(self._cache), port, self.upstream.port, folder))
        log = self.folder / f"{peer.name}.log"  # not beside the manifests: Auriga watches that folder
        with running(pinned(launch.argv, self.cores.router), launch.env, log) as process:
            try:
                _await_answer(process, port, payloads.small()[0])
            except WrongAnswerError as error:
                raise WrongAnswerError(f"{error}\n{_tail(log)}") from None
            processes.halt(process.pid)
            yield Contestant(peer.name, port, process.pid, peer.handling), launch

    def awake(self, contestant: Contestant) -> contextlib.AbstractContextManager[None]:
        """The contestant goes on, and has its core for itself; the mock is never halted."""
        return contextlib.nullcontext() if contestant is self.upstream else processes.awake(contestant.pid)


def ask(port: int, body: str, timeout: float = 10.0) -> str:
    """The body of one 200 answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        response = connection.getresponse()
        text = response.read().decode()
    if response.status != 200:
        raise WrongAnswerError(f"status {response.status}: {text[:300]!r}")
    return text


def _tail(log: Path, size: int = 3000) -> str:
    return log.read_text(errors="replace")[-size:]


def _await_answer(process: subprocess.Popen[bytes], port: int, body: str) -> None:
    """Asks until there is an answer: programs have no common sign of readiness, so this is the one place that polls."""
    deadline = time.monotonic() + START_LIMIT
    problem = "nothing"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WrongAnswerError(f"it ended with status {process.returncode}")
        try:
            ask(port, body)
        except (OSError, http.client.HTTPException, WrongAnswerError) as error:
            problem = str(error)
            time.sleep(0.05)
        else:
            return
    raise WrongAnswerError(f"no answer within {START_LIMIT:g} s: {problem}")

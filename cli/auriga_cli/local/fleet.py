"""The engine processes: starts them, watches their health, ends them. Decides nothing: `plan` does."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from auriga_api.model_status import UNRESPONSIVE
from auriga_cli.engines.engine import Engine, argv, environment
from auriga_cli.engines.launch import HOST, Launch
from auriga_cli.local import guard, process
from auriga_cli.local.backoff import failed
from auriga_cli.local.ending import Ending, crash, stuck
from auriga_cli.local.machine import activity
from auriga_cli.local.memory import context_length
from auriga_cli.local.plan import StartEngine, StopReason
from auriga_cli.local.probe import Prober
from auriga_cli.local.state import Failure, Fetch, Limits, Process, Slot, Wanted

_PROGRESS = 8 << 20
"""Bytes read since the last look that count as progress: more than answering a health check takes."""

_LOADING_INTERVAL = 0.2
_SOONEST = 0.02
"""Seconds between checks of one that loads: a tenth of what it has taken so far, within these two. Somebody waits."""
_SERVING_INTERVAL = 5.0

_STUCK: frozenset[StopReason] = frozenset({"NeverHealthy", UNRESPONSIVE})
"""Why a process is ended without waiting for its requests."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the fleet needs from outside."""

    engine: Engine | None
    """None: there is nothing to start engines with, and nothing is started."""
    logs: Path
    limits: Limits
    now: Callable[[], float]
    wake: Callable[[], None]
    """Called when a process began to serve, ended, or changed otherwise."""
    load: Callable[[str, str], int]
    """(model, address) -> its requests in flight, also when it has left the snapshot."""
    ended: Callable[[Slot, Ending, Failure], None]
    """Called when an engine failed, with what is counted for its replica."""
    drain: float = 30.0
    """Seconds in which requests in flight may finish before their engine is ended."""
    grace: float = 5.0
    """Seconds between SIGTERM and SIGKILL."""


@dataclass(slots=True, eq=False)
class _Handle:
    """One process, as it is now."""

    id: int
    action: StartEngine
    child: process.Child
    address: str
    since: float
    progress: float
    state: Literal["Loading", "Healthy", "Stopping"] = "Loading"
    healthy_since: float | None = None
    stopping: StopReason | None = None
    """Why we ended it; None: it ended by itself, if it did."""
    touched: int = 0
    cpu: float = 0.0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def view(self) -> Process:
        action = self.action
        return Process(
            self.id,
            action.model,
            action.replica,
            action.revision,
            self.state,
            self.since,
            self.progress,
            action.memory,
            self.address,
            action.gpu_memory,
        )


class Fleet:
    """All engine processes of this machine's Models."""

    def __init__(self, around: Surroundings) -> None:
        self.failures: dict[Slot, Failure] = {}
        self.endings: dict[str, Ending] = {}
        self._around = around
        self._handles: dict[int, _Handle] = {}
        self._ids = itertools.count(1)
        # Several checks must fit into the time after which an engine counts as silent.
        self._interval = min(_SERVING_INTERVAL, around.limits.silent / 4)
        self._prober = Prober(timeout=self._interval)

    def processes(self) -> tuple[Process, ...]:
        """What runs now."""
        return tuple(handle.view() for handle in self._handles.values())

    def endpoints(self) -> dict[str, tuple[str, ...]]:
        """Model key -> addresses of its healthy processes, oldest first."""
        return _addresses(each for each in self._handles.values() if each.state == "Healthy")

    def leaving(self) -> dict[str, tuple[str, ...]]:
        """The same of those that finish what they have begun. Who is stuck does not: it is ended at once."""
        stopping = (each for each in self._handles.values() if each.state == "Stopping")
        return _addresses(each for each in stopping if each.stopping not in _STUCK)

    async def start(self, action: StartEngine, wanted: Wanted, fetch: Fetch) -> None:
        """Starts an engine; that it cannot be run at all is a failure like a crash."""
        engine = self._around.engine
        if engine is None:
            return
        port = _free_port()
        launch = Launch(
            alias=wanted.name,
            weights=fetch.path,
            port=port,
            context_length=context_length(wanted, fetch.artifact),
            parallel=wanted.parallel,
            gpu_layers=wanted.gpu_layers,
            embeddings=wanted.embeddings,
            args=wanted.args,
        )
        try:
            child = await process.start(
                [*guard.prefix(os.getpid()), *argv(engine, launch)],
                environment(engine, os.environ, wanted.env),
                log=self.log(action.model, action.replica),
                secrets=wanted.secrets,
                hold_stdin=True,
            )
        except OSError as error:
            message = f"no process could be started: {error.strerror}"
            self._count(
                (action.model, action.replica, action.revision), Ending("Failed", message, action.revision), 0.0
            )
            return
        now = self._around.now()
        handle = _Handle(next(self._ids), action, child, f"{HOST}:{port}", now, now)
        self._handles[handle.id] = handle
        handle.tasks.append(asyncio.create_task(self._attend(handle, engine.health), name=f"engine {action.model}"))

    def excuse(self) -> None:
        """Counts the time that nobody looked for nobody: we were stopped (Ctrl-Z, a machine that slept)."""
        for handle in self._handles.values():
            handle.progress = self._around.now()

    def forget(self, wanted: Mapping[str, Wanted]) -> None:
        """Forgets what failed of revisions that nobody wants any more: coming back, they start afresh."""
        revisions = {(model, each.revision) for model, each in wanted.items()}
        self.failures = {slot: each for slot, each in self.failures.items() if (slot[0], slot[2]) in revisions}
        self.endings = {model: each for model, each in self.endings.items() if (model, each.revision) in revisions}

    def hasten(self, wanted: Mapping[str, Wanted]) -> None:
        """Who leaves for its turn's end has all the time it takes; a Model that takes no turns any more has not."""
        for handle in self._handles.values():
            model = wanted.get(handle.action.model)
            if handle.stopping == "Turn" and (model is None or model.autoscaling is None):
                handle.since, handle.stopping = self._around.now(), "Removed"

    def log(self, model: str, replica: int) -> Path:
        """Where the output of a Model's engine is kept."""
        return self._around.logs / f"{model.replace('/', '.')}.{replica}.log"

    def stop(self, number: int, reason: StopReason) -> None:
        """Takes a process out of service at once, and ends it: after its requests, or now if it is stuck."""
        handle = self._handles[number]
        handle.state, handle.since, handle.stopping = "Stopping", self._around.now(), reason
        if reason in _STUCK:
            limits = self._around.limits
            self._fail(handle, *stuck(reason, limits.load if reason == "NeverHealthy" else limits.silent))
            ending = handle.child.stop(self._around.grace)
        else:
            ending = self._end(handle)
        handle.tasks.append(asyncio.create_task(ending))

    async def close(self) -> None:
        """Ends every process, all at the same time; their requests have been drained or given up."""
        handles = list(self._handles.values())
        for handle in handles:
            handle.state, handle.stopping = "Stopping", handle.stopping or "Removed"
        await asyncio.gather(*(handle.child.stop(self._around.grace) for handle in handles))
        await asyncio.gather(*(task for handle in handles for task in handle.tasks))
        await self._prober.close()

    def kill(self) -> None:
        """Ends every process at once."""
        for handle in self._handles.values():
            handle.child.kill()

    async def _end(self, handle: _Handle) -> None:
        around = self._around
        while around.load(handle.action.model, handle.address) and self._may_finish(handle):
            done, _ = await asyncio.wait([handle.child.ended], timeout=0.05)
            if done:
                return
        await handle.child.stop(around.grace)

    def _may_finish(self, handle: _Handle) -> bool:
        return handle.stopping == "Turn" or self._around.now() < handle.since + self._around.drain

    async def _attend(self, handle: _Handle, health: str) -> None:
        probing = asyncio.create_task(self._probe(handle, health))
        await asyncio.wait([handle.child.ended])
        probing.cancel()
        del self._handles[handle.id]
        if handle.stopping is None:
            self._fail(handle, *crash(handle.child.ended.result(), served=handle.healthy_since is not None))
        self._around.wake()

    def _fail(self, handle: _Handle, reason: str, message: str) -> None:
        healthy_for = self._around.now() - handle.healthy_since if handle.healthy_since is not None else 0.0
        ending = Ending(reason, message, handle.action.revision, tuple(handle.child.tail))
        self._count(handle.view().slot, ending, healthy_for)

    def _count(self, slot: Slot, ending: Ending, healthy_for: float) -> None:
        failure = failed(self.failures.get(slot), self._around.now(), self._around.limits, healthy_for)
        self.failures[slot] = failure
        self.endings[slot[0]] = ending
        self._around.ended(slot, ending, failure)

    async def _probe(self, handle: _Handle, path: str) -> None:
        while True:
            self._observe(handle, ready=await self._prober.ready(handle.address, path))
            await asyncio.sleep(self._pause(handle))

    def _pause(self, handle: _Handle) -> float:
        if handle.state != "Loading":
            return self._interval
        return min(max((self._around.now() - handle.since) / 10, _SOONEST), _LOADING_INTERVAL)

    def _observe(self, handle: _Handle, *, ready: bool) -> None:
        now = self._around.now()
        if ready or self._worked(handle):
            handle.progress = now
        if ready and handle.state == "Loading":
            handle.state, handle.since, handle.healthy_since = "Healthy", now, now
            self._around.wake()

    def _worked(self, handle: _Handle) -> bool:
        """Whether it did something since the last look that answering a health check does not explain."""
        done = activity(handle.child.pid)
        if done is None:
            return False
        worked = done.touched - handle.touched >= _PROGRESS
        if handle.state != "Loading":
            # A busy engine may have no thread left to answer us: it works, and must not be ended.
            worked = worked or done.cpu - handle.cpu >= 1.0
        if worked:
            handle.touched, handle.cpu = done.touched, done.cpu
        return worked


def _addresses(handles: Iterable[_Handle]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for handle in handles:
        found[handle.action.model] = (*found.get(handle.action.model, ()), handle.address)
    return found


def _free_port() -> int:
    # Another program may take it before the engine does: the engine then ends, and is started anew with another one.
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port

"""``python -m auriga_router``: what the pods run. Follows a cluster, or manifests from files (external Models only)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from auriga_router.attempt_log import AttemptLog
from auriga_router.garbage import Garbage
from auriga_router.outlets import Refusal, Shared, bind, to_stdout
from auriga_router.router import Router
from auriga_router.settings import ProcessSettings, read_settings
from auriga_router.snapshot import Snapshot
from auriga_router.workers.group import Group, Seat
from auriga_router.workers.parent import Workers

# ruff: noqa: PLC0415 - of the two sources only the one that is followed is loaded: pods are many, and memory counts

Apply = Callable[[Snapshot], Awaitable[None]]
Follow = Callable[[Apply], Awaitable[None]]
"""Tells snapshots for ever: the first as soon as there is something to route by, then every change."""

_log = logging.getLogger("auriga_router")
_PAUSE = 5.0
"""Seconds before a source that ended is followed anew."""
_LAST_LINES = 2.0
"""Seconds that the last lines of the log get to be written."""


def main() -> int:
    """Run the router until SIGTERM or SIGINT. Gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # we tell of changes, too, with what came of them
    settings = read_settings(sys.argv[1:], os.environ)
    try:
        follow = _cluster(settings) if follows_cluster(settings, os.environ) else _files(settings)
        sock = bind(settings)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)  # noqa: T201 - the one line for the person at the terminal
        return refusal.status
    if settings.workers == 1:
        uvloop.run(serve(Process(settings, follow, [sock])))
        return 0
    return several(settings, follow, sock)


@dataclass(frozen=True, slots=True)
class Process:
    """What one process serves."""

    settings: ProcessSettings
    follow: Follow
    sockets: Sequence[socket.socket]
    write: Callable[[bytes], object] = to_stdout
    seat: Seat | None = None
    """Its place, if there are several."""


def several(settings: ProcessSettings, follow: Follow, sock: socket.socket) -> int:
    """Serve with several processes. ``sock`` keeps the port for them and never listens itself."""
    port = sock.getsockname()[1]
    write, group = Shared(), Group(settings.workers)

    def work(number: int) -> int:
        uvloop.run(serve(Process(settings, follow, [bind(settings, port)], write, Seat(group, number))))
        return 0

    return Workers(group, work).run()


def follows_cluster(settings: ProcessSettings, environment: Mapping[str, str]) -> bool:
    """Whether a cluster is followed: if that is asked for, or if there is one and no file is."""
    there_is_one = bool({"KUBECONFIG", "KUBERNETES_SERVICE_HOST"} & {name for name in environment if environment[name]})
    return settings.kubernetes or (there_is_one and not settings.file)


async def serve(process: Process) -> None:
    """Serve on bound sockets, as soon as there is something to route by, until told to stop; then drain."""
    settings = process.settings
    loop = asyncio.get_running_loop()
    log = AttemptLog(process.write, loop.call_soon)
    router = Router(settings, on_attempt=log if settings.log_attempts else None, seat=process.seat)
    garbage = Garbage()
    stop, ready = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if process.seat is not None:
        loop.add_reader(process.seat.group.alive, stop.set)

    await router.join()

    async def apply(snapshot: Snapshot) -> None:
        changed = await router.apply_in_steps(snapshot)
        if ready.is_set():
            garbage.grew(changed)
        else:
            garbage.settle()
        ready.set()

    tasks = [asyncio.create_task(following(process.follow, apply)), asyncio.create_task(log.run())]
    tasks.append(asyncio.create_task(garbage.run()))
    waits = [asyncio.create_task(ready.wait()), asyncio.create_task(stop.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        # Not earlier: that it listens is what makes a pod ready.
        for sock in process.sockets:
            await router.start(sock)
        who = f" (worker {process.seat.worker})" if process.seat is not None else ""
        _log.info("listening on http://%s:%d%s", *process.sockets[0].getsockname()[:2], who)
    await stop.wait()
    if process.seat is not None:
        loop.remove_reader(process.seat.group.alive)
    _log.info("stopping: requests under way get %g s to finish", settings.drain)
    await router.close(settings.drain)
    for task in (*tasks, *waits):
        task.cancel()
    await asyncio.wait(tasks)
    with contextlib.suppress(TimeoutError):  # whoever reads the log has stalled
        async with asyncio.timeout(_LAST_LINES):
            await log.flush()


async def following(follow: Follow, apply: Apply, pause: float = _PAUSE) -> None:
    """Follow for ever. A source that ends, however it does, is told of and followed anew; requests go on meanwhile."""
    while True:
        try:
            await follow(apply)
            _log.error("the source has ended: routing goes on with what is known, and it is followed anew")
        except Exception:
            _log.exception("the source has failed: routing goes on with what is known, and it is followed anew")
        await asyncio.sleep(pause)


def _files(settings: ProcessSettings) -> Follow:
    if not settings.file:
        raise Refusal("say where the manifests are: -f FILE or DIR; or follow a cluster: --kubernetes", 2)
    from auriga_api.manifests import Manifests, references
    from auriga_router.sources.files import FileSource, snapshot

    def tell(manifests: Manifests) -> None:
        for problem in (*manifests.problems, *references(manifests)):
            _log.log(logging.ERROR if problem.severity == "error" else logging.WARNING, "%s", problem)

    paths = [Path(part) for part in settings.file.split(",")]
    for path in paths:
        if not path.exists():
            raise Refusal(f"-f {path}: no such file or folder", 3)
    source = FileSource(paths, settings.default_namespace)
    first = source.load()
    tell(first)
    if first.errors:
        raise Refusal("the manifests hold errors, see above; nothing was started", 2)

    latest = first

    async def follow(apply: Apply) -> None:
        nonlocal latest
        await apply(snapshot(latest, {}))
        async for manifests in source.changes():
            latest = manifests
            tell(manifests)
            await apply(snapshot(manifests, {}))
            _log.info("routing %d Models and %d RoleChains", len(manifests.models), len(manifests.chains))

    return follow


def _cluster(settings: ProcessSettings) -> Follow:
    from auriga_router.sources.kubernetes import feed
    from auriga_router.sources.kubernetes.connection import NoCluster

    try:
        return feed.follow(settings, os.environ)
    except NoCluster as error:
        raise Refusal(str(error), 3) from None


if __name__ == "__main__":
    sys.exit(main())

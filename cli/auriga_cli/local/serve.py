"""Local mode as a whole: router, supervisor, watched files and the terminal, in one process and one event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from auriga_api.manifests import Manifests, references
from auriga_cli.exit_codes import ExitCode
from auriga_cli.local.announce import Standing, changes, failing
from auriga_cli.local.ask import ask
from auriga_cli.local.listen import url
from auriga_cli.local.report import Report, curl
from auriga_cli.local.stop import Stop
from auriga_cli.local.supervisor import Settings, Supervisor
from auriga_router.router import Router
from auriga_router.settings import RouterSettings
from auriga_router.sources.files import FileSource


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is needed to serve, checked before anything is started."""

    source: FileSource
    manifests: Manifests
    sock: socket.socket
    settings: Settings
    report: Report
    namespace: str = "default"
    ask: tuple[str, str] | None = None
    """A role, and the question to ask it once everything is up."""


def serve(service: Service) -> ExitCode:
    """Serves until a signal. OK after an orderly stop, INTERRUPTED if a second signal cut it short."""
    return uvloop.run(_Serving(service).run())


class _Serving:
    """One run of ``auriga up``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._report = service.report
        self._stop = Stop()
        settings = RouterSettings(default_namespace=service.namespace)
        self._router = Router(settings, on_attempt=service.report.attempt, on_reply=service.report.replied)
        self._supervisor = Supervisor(service.settings, service.manifests, self._router, service.report)

    async def run(self) -> ExitCode:
        self._stop.watch()
        self._supervisor.begin()
        await self._router.start(self._service.sock)
        self._report.say(f"listening on {url(self._service.sock)}", "dim")
        work = asyncio.create_task(self._work())
        asked = asyncio.create_task(self._stop.asked.wait())
        await asyncio.wait([work, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        try:
            return await self._end(work)
        finally:
            # Whatever happened: nothing that was started here may be left behind.
            self._supervisor.kill()
            self._report.close()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supervisor.run())
            group.create_task(self._follow())
            group.create_task(self._announce())

    async def _end(self, work: asyncio.Task[None]) -> ExitCode:
        if work.done():
            work.result()
        self._report.say("stopping: requests in flight may finish; a second Ctrl-C stops at once", "dim")
        if await self._stop.unless_now(asyncio.create_task(self._close(work))):
            return ExitCode.OK
        return ExitCode.INTERRUPTED

    async def _close(self, work: asyncio.Task[None]) -> None:
        await self._router.close(self._service.settings.drain)
        work.cancel()
        await asyncio.wait([work])
        await self._supervisor.close()

    async def _follow(self) -> None:
        """Takes every change of the files."""
        async for manifests in self._service.source.changes():
            self._report.problems((*manifests.problems, *references(manifests)), kept=True)
            self._report.changed(changes(self._supervisor.manifests, manifests))
            self._supervisor.update(manifests)

    async def _announce(self) -> None:
        """Says once that it serves, when the Models have come up, or could not."""
        await self._supervisor.settled.wait()
        address = url(self._service.sock)
        if self._service.ask:
            with self._report.held():
                await asyncio.to_thread(self._ask, address, *self._service.ask)
        statuses = self._supervisor.statuses
        standing = Standing(self._supervisor.manifests, statuses, failing(statuses, self._router.status()["models"]))
        names = standing.callable_names()
        self._report.say(f"Auriga serves {address}/v1: {', '.join(names) or 'nothing yet'}", "bold green")
        if rest := standing.not_served():
            self._report.say(f"not served now: {rest}", "yellow")
        if names:
            self._report.say(f"  {curl(address, names[0])}")

    def _ask(self, address: str, role: str, question: str) -> None:
        self._report.flush()
        ask(address, role, question)


def load(paths: Sequence[Path], namespace: str) -> tuple[FileSource, Manifests]:
    """The source and what it holds now."""
    source = FileSource(paths, namespace)
    return source, source.load()

"""The loop of local mode: observe files, processes and memory; decide; act; report. Woken by events, never polling."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from auriga_api.load import ModelLoad
from auriga_api.manifests import Manifests
from auriga_api.model import ModelStatus
from auriga_cli.engines.engine import Engine
from auriga_cli.local.demand import Demand
from auriga_cli.local.desired import desired
from auriga_cli.local.ending import Ending
from auriga_cli.local.fleet import Fleet, Surroundings
from auriga_cli.local.loads import Loads
from auriga_cli.local.machine import memory
from auriga_cli.local.plan import Plan, StartEngine, StartFetch, StopEngine, StopFetch, decide
from auriga_cli.local.sharing import Sharing, share
from auriga_cli.local.state import Failure, Limits, Slot, Wanted, World
from auriga_cli.local.status import PROGRESSING, View, model_status
from auriga_cli.local.stock import Stock
from auriga_router.router import Router
from auriga_router.snapshot import Snapshot
from auriga_router.sources.files import snapshot

_TICK = 1.0
"""Seconds between looks while something is under way: memory and waiting times change without an event."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `auriga up` was told."""

    engine: Engine | None
    cache: Path
    gpu: bool = False
    memory_limit: int | None = None
    """Bytes that engines may use together; None: what the machine has."""
    gpu_memory: int | None = None
    """Bytes of GPU memory that they may use together; None: unknown."""
    limits: Limits = field(default_factory=Limits)
    drain: float = 30.0
    private: bool = False
    """Only this machine can ask for the status."""


class Reporter(Protocol):
    """Who is told what happens."""

    def statuses(self, statuses: Mapping[str, ModelStatus]) -> None:
        """All statuses, after each look."""

    def engine_ended(self, model: str, ending: Ending, count: int, log: Path) -> None:
        """An engine failed, for the ``count``-th time in a row."""


class Supervisor:
    """Keeps what runs on this machine as the manifests want it, and the router informed."""

    def __init__(
        self,
        settings: Settings,
        manifests: Manifests,
        router: Router,
        reporter: Reporter,
    ) -> None:
        self.settled = asyncio.Event()
        """Set while no Model is on its way to serving."""
        self.statuses: dict[str, ModelStatus] = {}
        """Of every Model, as last published."""
        self._settings = settings
        self._router = router
        self._reporter = reporter
        self._changed = asyncio.Event()
        self._published: Snapshot | None = None
        self._loads = Loads(router.follow_load, self._changed.set)
        self._demands: Mapping[str, Demand] = {}
        self._stock = Stock(settings.cache, settings.limits, time.monotonic, self._changed.set)
        self._fleet = Fleet(
            Surroundings(
                engine=settings.engine,
                logs=settings.cache / "logs",
                limits=settings.limits,
                now=time.monotonic,
                wake=self._changed.set,
                load=router.load,
                ended=self._engine_ended,
                drain=settings.drain,
            )
        )
        self.update(manifests)

    def update(self, manifests: Manifests) -> None:
        """Takes new manifests; acted upon at the next look, which is now."""
        self.manifests = manifests
        self._wanted: dict[str, Wanted] = desired(manifests, self._settings.engine, gpu=self._settings.gpu)
        self._secrets = {key: secret.values() for key, secret in manifests.secrets.items()}
        self._fleet.forget(self._wanted)
        self._fleet.hasten(self._wanted)
        requests = {wanted.request.id for wanted in self._wanted.values()}
        for number in self._stock.fetches().keys() - requests:
            self._stock.forget(number)
        self._changed.set()

    def begin(self) -> None:
        """Tells the router what is to be served, before anybody can ask for it."""
        self._publish(*self._decide())

    async def run(self) -> None:
        """Looks whenever something changed, until cancelled."""
        while True:
            self._changed.clear()
            plan, sharing = self._decide()
            self._stop(plan)
            # Before anything is awaited: no new request may reach what was just taken out of service.
            self._publish(plan, sharing)
            self._loads.looked()
            await self._start(plan)
            await self._wait(min(plan.wake_at, sharing.wake_at))

    async def close(self) -> None:
        """Ends every process. Requests have been drained before, or are given up."""
        await asyncio.gather(self._stock.close(), self._fleet.close())

    def kill(self) -> None:
        """Ends every process at once."""
        self._stock.kill()
        self._fleet.kill()

    def _decide(self) -> tuple[Plan, Sharing]:
        now = time.monotonic()
        sharing = self._share(now)
        return decide(replace(self._world(), wanted=sharing.wanted), now, self._settings.limits), sharing

    def _share(self, now: float) -> Sharing:
        """Who takes turns follows the load; who does not costs nothing."""
        loads: Mapping[str, ModelLoad] = {}
        if any(wanted.autoscaling for wanted in self._wanted.values()):
            loads = self._loads.take()
        else:
            self._loads.close()
        sharing = share(self._world(), loads, self._demands, now, self._settings.limits)
        self._demands = sharing.demands
        return sharing

    def _world(self) -> World:
        return World(
            wanted=self._wanted,
            fetches=self._stock.fetches(),
            processes=self._fleet.processes(),
            failures=dict(self._fleet.failures),
            memory=memory(self._settings.memory_limit),
            gpu_memory=self._settings.gpu_memory,
        )

    def _stop(self, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, StopEngine):
                self._fleet.stop(action.process, action.reason)
            elif isinstance(action, StopFetch):
                self._stock.stop(action.id)

    async def _start(self, plan: Plan) -> None:
        for action in plan.actions:
            if isinstance(action, StartFetch):
                self._stock.start(action.request)
            elif isinstance(action, StartEngine):
                await self._start_engine(action)
        if any(isinstance(action, StartFetch | StartEngine) for action in plan.actions):
            self._changed.set()

    async def _start_engine(self, action: StartEngine) -> None:
        wanted = self._wanted.get(action.model)
        fetch = self._stock.fetches().get(wanted.request.id) if wanted else None
        if wanted is None or fetch is None or wanted.revision != action.revision:
            return  # the manifests changed while another engine was started: the next look decides anew
        if _exists(fetch.path):
            await self._fleet.start(action, wanted, fetch)
        else:
            self._stock.forget(fetch.id)  # someone cleared the cache

    def _publish(self, plan: Plan, sharing: Sharing) -> None:
        view = View(
            world=replace(self._world(), wanted=sharing.wanted),
            now=time.monotonic(),
            limits=self._settings.limits,
            shortages={**plan.shortages, **sharing.shortages},
            endings=dict(self._fleet.endings),
            secrets=self._secrets,
            waits=sharing.waits,
            demands=sharing.demands,
        )
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.statuses = {
            key: model_status(model, self.statuses.get(key), view, stamp)
            for key, model in self.manifests.models.items()
        }
        new = snapshot(self.manifests, self._fleet.endpoints(), self.statuses, self._fleet.leaving())
        new = replace(new, private=self._settings.private)
        if new != self._published:
            self._published = new
            self._router.apply(new)
        self._reporter.statuses(self.statuses)
        if any(status.phase in PROGRESSING for status in self.statuses.values()):
            self.settled.clear()
        else:
            self.settled.set()

    async def _wait(self, wake_at: float) -> None:
        at_rest = all(status.phase in ("Ready", "Suspended", "ScaledToZero") for status in self.statuses.values())
        limit = max(0.0, wake_at - time.monotonic())
        limit = limit if at_rest else min(limit, _TICK)
        expected = time.monotonic() + limit
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit if limit != float("inf") else None):
                await self._changed.wait()
        if time.monotonic() > expected + self._settings.limits.silent / 4:
            self._fleet.excuse()

    def _engine_ended(self, slot: Slot, ending: Ending, failure: Failure) -> None:
        model, replica, _ = slot
        self._reporter.engine_ended(model, ending, failure.count, self._fleet.log(model, replica))


def _exists(path: str) -> bool:
    return Path(path).exists()

"""The running operator: what follows the cluster, the queue that works, and the election that lets it.

Handlers put what they hear into the store; everything else follows from there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from auriga_operator import labels
from auriga_operator.follow import Follower, Scope
from auriga_operator.kube import Kube
from auriga_operator.leader import Elector
from auriga_operator.load_book import LoadBook
from auriga_operator.load_streams import LoadStreams
from auriga_operator.observe import Observer
from auriga_operator.reconcile import Reconciler
from auriga_operator.resources import (
    CHAINS,
    CLAIMS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    LEASES,
    MODELS,
    OWNED,
    PODS,
    SECRETS,
    SLICES,
    Key,
    Object,
    Resource,
)  # fmt: skip
from auriga_operator.routers import Routers
from auriga_operator.scaling import Scaling
from auriga_operator.settings import Settings
from auriga_operator.store import Store
from auriga_operator.workqueue import WorkQueue

_log = logging.getLogger(__name__)

_STUCK_SECONDS = 600.0
_BURSTS = frozenset((DEPLOYMENTS.kind, PODS.kind, JOBS.kind, EVENTS.kind))
_BURST_SECONDS, _BUSY_BURST_SECONDS = 0.1, 1.0
"""Those change several times in a row when others work on them: once is enough for all of that."""
_IMAGE_VOLUMES_SINCE = (1, 35)


class App:
    """One replica of the operator."""

    def __init__(self, kube: Kube, settings: Settings, identity: str, home: str, *, image_volumes: bool) -> None:
        self.store = Store()
        self._settings = settings
        followed = settings.router_service and settings.load_token_file
        book = LoadBook() if followed else None
        self._scaling = Scaling(book, self._wake_one, clock=time.monotonic, wall=time.time)
        self._streams = LoadStreams(book, settings.load_token_file, self._scaling, time.monotonic) if book else None
        observer = Observer(kube, self.store, image_volumes=image_volumes)
        self._reconcile = Reconciler(
            kube,
            self.store,
            observer,
            settings,
            wake=self._wake_one,
            wake_when_idle=self._wake_when_idle,
            busy=self._busy,
            scaling=self._scaling,
            clock=time.time,
        )
        self.queue: WorkQueue[Key] = WorkQueue(self._reconcile, settings.workers)
        self._lists = [Follower(kube, scope, self, settings.resync) for scope in _scopes((MODELS, CHAINS), settings)]
        self._watches = [Follower(kube, scope, self, settings.resync) for scope in _watched(settings)]
        self._routers: list[Follower] = []
        if self._streams:
            scope = _of_routers(settings.router_service)
            self._routers.append(Follower(kube, scope, Routers(self._streams.listed), settings.resync))
        lease = Key(LEASES.kind, settings.lease_namespace or home, settings.lease_name)
        self.elector = Elector(kube, lease, identity, settings.lease_seconds, self._lead)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for follower in self._lists:
                group.create_task(follower.run(watch=False))
            for follower in (*self._watches, *self._routers):
                group.create_task(follower.run())
            group.create_task(self.elector.run())

    def put(self, item: Object) -> None:
        """The object is like this now."""
        self._wake(self.store.put(item), item["kind"])

    def remove(self, item: Object) -> None:
        """The object is gone."""
        self._wake(self.store.remove(item), item["kind"])

    def keep(self, resource: Resource, namespace: str, names: AbstractSet[Key], version: int) -> None:
        """There were no others at that version."""
        self._wake(self.store.keep(resource, namespace, names, version), resource.kind)

    def recovered(self) -> None:
        """The API server answers again: what failed meanwhile need not wait, and what was missed is looked for."""
        self.queue.retry_failed()
        for follower in self._lists:
            follower.stale.set()

    def stuck(self) -> bool:
        """Whether work stands still that should not."""
        return self.elector.leading and self.queue.oldest() > _STUCK_SECONDS

    def _busy(self) -> bool:
        return self.queue.depth > self._settings.workers

    async def _lead(self) -> None:
        # Not before everything is known: what is not seen yet would be taken for missing. Routers are not: before they
        # are known the load is not, and without the right to list them all but autoscaling works.
        for follower in (*self._lists, *self._watches):
            await follower.synced.wait()
        self._reconcile.take_over()
        for key in (*self.store.keys(MODELS), *self.store.keys(CHAINS)):
            self.queue.add(key)
        async with asyncio.TaskGroup() as group:
            if self._streams:
                group.create_task(self._streams.run(), name="load")
            group.create_task(self.queue.run(), name="queue")

    def _wake(self, keys: Iterable[Key], changed: str) -> None:
        burst = _BUSY_BURST_SECONDS if self._busy() else _BURST_SECONDS
        delay = burst if changed in _BURSTS else 0.0
        for key in keys:
            self._wake_one(key, delay)

    def _wake_when_idle(self, key: Key) -> None:
        self.queue.add_when_idle(key)

    def _wake_one(self, key: Key, delay: float = 0.0) -> None:
        if not self.elector.leading:
            return
        if delay:
            self.queue.add_after(key, delay)
        else:
            self.queue.add(key)


def _scopes(resources: Iterable[Resource], settings: Settings, selector: str = "") -> list[Scope]:
    namespaces = settings.namespaces or ("",)
    return [Scope(resource, namespace, selector) for namespace in namespaces for resource in resources]


def _watched(settings: Settings) -> list[Scope]:
    """What Models own and name. Models and RoleChains themselves are watched by kopf, and listed here now and then."""
    ours = [resource for resource in (*OWNED, PODS) if resource != CLAIMS]
    scopes = [*_scopes(ours, settings, labels.OURS), *_scopes((CLAIMS,), settings)]
    for namespace in settings.namespaces or ("",):
        scopes.append(Scope(SECRETS, namespace, metadata_only=True))
        scopes.append(Scope(EVENTS, namespace, fields="type=Warning"))
    return scopes


def _of_routers(service: str) -> Scope:
    namespace, _, name = service.partition("/")
    return Scope(SLICES, namespace, f"kubernetes.io/service-name={name}")


async def image_volumes(kube: Kube, settings: Settings) -> bool:
    """Whether pods may mount images."""
    if settings.image_volumes == "auto":
        return await kube.server_version() >= _IMAGE_VOLUMES_SINCE
    return settings.image_volumes == "yes"

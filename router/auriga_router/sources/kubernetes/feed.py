"""The cluster as the process follows it: from its settings to a task that never ends, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from auriga_router.settings import ProcessSettings
from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes.http import Api
from auriga_router.sources.kubernetes.kubeconfig import connect
from auriga_router.sources.kubernetes.source import KubernetesSource

_log = logging.getLogger(__name__)

_PAUSE = 5.0

Apply = Callable[[Snapshot], Awaitable[None]]


def follow(settings: ProcessSettings, environment: Mapping[str, str]) -> Callable[[Apply], Awaitable[None]]:
    """Follows the cluster that the environment leads to. Raises NoCluster."""
    connection = connect(environment)
    namespaces = tuple(part.strip() for part in settings.namespaces.split(",") if part.strip())
    state = Path(settings.state) if settings.state else None
    if state and not state.is_dir():
        _log.warning("--state %s: no such folder: a restart without an API server would find nothing", state)
        state = None

    async def run(apply: Apply) -> None:
        _log.info("following %s in %s", connection.server, ", ".join(namespaces) or "all namespaces")
        while True:
            try:
                await _once(KubernetesSource(Api(connection), namespaces, resync=settings.resync, state=state), apply)
            except Exception:
                # Whatever it is: requests go on by what is known, and what is new is asked for from the beginning.
                _log.exception("following the cluster, once more in %g s", _PAUSE)
            await asyncio.sleep(_PAUSE)

    return run


async def _once(source: KubernetesSource, apply: Apply) -> None:
    told = False
    async with source:
        async for snapshot in source.snapshots():
            await apply(snapshot)
            if not told:
                _log.info("routing %d Models and %d RoleChains", len(snapshot.models), len(snapshot.chains))
            told = True

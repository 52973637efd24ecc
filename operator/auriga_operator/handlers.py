"""kopf's handlers: they put what they hear into the store, which wakes whom it concerns. No logic.

Only low-level handlers: kopf writes nothing to anybody's object, keeps no state there, and repeats nothing:
the queue does.
"""

from __future__ import annotations

import asyncio
from typing import Any

import kopf

from auriga_operator.app import App
from auriga_operator.connection import Connection
from auriga_operator.resources import CHAINS, MODELS
from auriga_operator.runtime import configure


def registry(app: App, connection: Connection, work: asyncio.Task[None]) -> kopf.OperatorRegistry:
    """All handlers of the operator. ``work`` is what runs ``app``; it ends when kopf does."""
    handlers = kopf.OperatorRegistry()

    @kopf.on.startup(registry=handlers)
    async def start(settings: kopf.OperatorSettings, **_: object) -> None:
        configure(settings)

    @kopf.on.cleanup(registry=handlers)
    async def stop(**_: object) -> None:
        # When one watch fails, kopf leaves the others, and would wait 5 s for them (`run_tasks`, its "hung tasks").
        for task in asyncio.all_tasks():
            if task.get_name().startswith("watcher for "):
                task.cancel()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    @kopf.on.login(registry=handlers)
    def login(**_: object) -> kopf.ConnectionInfo:
        return connection.for_kopf()

    @kopf.on.probe(id="works", registry=handlers)
    def works(**_: object) -> bool:
        if app.stuck():
            raise RuntimeError("work stands still")
        return True

    for resource in (MODELS, CHAINS):

        @kopf.on.event(resource.group, resource.version, resource.plural, registry=handlers, param=resource.kind)
        async def heard(*, event: kopf.RawEvent, param: Any = None, **_: object) -> None:  # noqa: ANN401 - kopf's
            item = {**event["object"], "kind": param}
            app.remove(item) if event["type"] == "DELETED" else app.put(item)

    return handlers

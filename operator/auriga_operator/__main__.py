"""``python -m auriga_operator``: the operator, in a pod or, with ``KUBECONFIG``, anywhere."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
from typing import TYPE_CHECKING, cast

import kopf
import uvloop
from kopf._cogs.clients.errors import APIError  # kopf does not export what its own requests end with
from kopf._cogs.clients.watching import WatchingError

from auriga_operator.again import Interrupted, again
from auriga_operator.app import App, image_volumes
from auriga_operator.connection import Connection, NoCluster, connect
from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.handlers import registry
from auriga_operator.kube import Kube
from auriga_operator.resources import CHAINS, MODELS
from auriga_operator.served import served
from auriga_operator.settings import Settings, parse

if TYPE_CHECKING:
    from kopf._core.engines.peering import Identity  # a NewType of str that kopf does not export


def main() -> int:
    """Run until a signal; the exit status."""
    settings = parse(sys.argv[1:], os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # During an outage kopf logs each of its tries; `follow` says once that the API server is away, and that it is back.
    if settings.log_level != "debug":
        logging.getLogger("kopf").setLevel(logging.CRITICAL)
        # kopf's probe is served by aiohttp, which would log a line for each look.
        logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    try:
        connection = connect()
        again(lambda: uvloop.run(run(settings, connection)))
    except (NoCluster, ApiError, Unreachable, Interrupted) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the last word of a program
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    return 0


async def run(settings: Settings, connection: Connection) -> None:
    """The operator, until kopf is told to stop."""
    async with Kube(connection) as kube:
        identity = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        volumes = await image_volumes(kube, settings)
        await served(kube, (MODELS, CHAINS), settings.namespaces or ("",))
        app = App(kube, settings, identity, connection.namespace, image_volumes=volumes)
        stop = asyncio.Event()
        work = asyncio.create_task(app.run(), name="auriga")
        work.add_done_callback(lambda _: stop.set())
        try:
            await kopf.operator(
                registry=registry(app, connection, work),
                # Unless told, kopf asks for the user's name, and a container's bare uid has none.
                identity=cast("Identity", identity),
                stop_flag=stop,
                clusterwide=not settings.namespaces,
                namespaces=settings.namespaces,
                liveness_endpoint=f"http://0.0.0.0:{settings.probe_port}/healthz" if settings.probe_port else None,
            )
        except (APIError, WatchingError) as error:
            # A watch that is answered by 403 or 404 ends kopf, and an API server that starts does that for a moment.
            raise Interrupted(f"{type(error).__name__}: {error}") from error
        if work.done() and not work.cancelled():
            work.result()


if __name__ == "__main__":
    sys.exit(main())

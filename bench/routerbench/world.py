"""Snapshots of any size. As a program, a router that serves one: `world.py MODELS ENDPOINTS PORT UPSTREAM`.

Its middle role is `mock`, and the addresses of its Model are 127.0.0.1 to 127.0.0.ENDPOINTS, at the port UPSTREAM.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import uvloop

from auriga_api import Model, RoleChain
from auriga_router.__main__ import Apply, Process, serve
from auriga_router.outlets import bind
from auriga_router.settings import ProcessSettings
from auriga_router.snapshot import Snapshot

Address = Callable[[int, int], str]
"""(Model, its endpoint) -> host:port"""


def snapshot(models: int, endpoints: int, address: Address, role: Callable[[int], str]) -> Snapshot:
    """`models` Models with a RoleChain and `endpoints` endpoints each."""
    served = [
        Model.model_validate({"metadata": _metadata(f"model-{n}"), "spec": {"source": {"file": {"path": "w.gguf"}}}})
        for n in range(models)
    ]
    chains = [
        RoleChain.model_validate({"metadata": _metadata(role(n)), "spec": {"members": [{"model": f"model-{n}"}]}})
        for n in range(models)
    ]
    return Snapshot(
        models={item.metadata.key: item for item in served},
        chains={item.metadata.key: item for item in chains},
        endpoints={
            item.metadata.key: tuple(address(n, host) for host in range(endpoints)) for n, item in enumerate(served)
        },
    )


def _metadata(name: str) -> dict[str, str]:
    return {"name": name, "namespace": "default"}


def main() -> None:
    models, endpoints, port, upstream = map(int, sys.argv[1:])
    middle = models // 2
    world = snapshot(
        models,
        endpoints,
        lambda n, host: f"127.0.0.{host + 1}:{upstream}" if n == middle else f"127.1.{n // 250}.{n % 250}:{upstream}",
        lambda n: "mock" if n == middle else f"role-{n}",
    )

    async def follow(apply: Apply) -> None:
        await apply(world)
        await asyncio.Event().wait()

    settings = ProcessSettings(host="127.0.0.1", port=port)
    uvloop.run(serve(Process(settings, follow, [bind(settings, port)])))


if __name__ == "__main__":
    main()

"""A router on a loopback port, in front of scripted endpoints."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from auriga_api import Model, RoleChain
from auriga_router.attempts import Attempt
from auriga_router.router import Router
from auriga_router.settings import RouterSettings
from auriga_router.snapshot import Snapshot
from support.http_client import RawClient, Reply


def model(name: str, namespace: str = "default", **spec: Any) -> Model:
    """A Model; served here if the spec says nothing of where from."""
    if "external" not in spec:
        spec.setdefault("source", {"file": {"path": "weights.gguf"}})
        spec.setdefault("engine", {"parallel": 256})  # slots: most tests are not about them
    return Model.model_validate({"metadata": {"name": name, "namespace": namespace}, "spec": spec})


def chain(name: str, *members: str | Mapping[str, Any], namespace: str = "default", **spec: Any) -> RoleChain:
    """A RoleChain of these members."""
    listed = [{"model": member} if isinstance(member, str) else member for member in members]
    metadata = {"name": name, "namespace": namespace}
    return RoleChain.model_validate({"metadata": metadata, "spec": {"members": listed, **spec}})


def snapshot(*objects: Model | RoleChain, endpoints: Mapping[str, Any] = {}, secrets: Any = None) -> Snapshot:
    """A snapshot of these. ``endpoints``: name or key of the Model -> address or addresses."""
    return Snapshot(
        models={item.metadata.key: item for item in objects if isinstance(item, Model)},
        chains={item.metadata.key: item for item in objects if isinstance(item, RoleChain)},
        secrets=secrets or {},
        endpoints={
            name if "/" in name else f"default/{name}": (where,) if isinstance(where, str) else tuple(where)
            for name, where in endpoints.items()
        },
    )


@dataclass
class Running:
    """A router that serves."""

    router: Router
    port: int
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> RawClient:
        return RawClient(self.port)

    async def chat(self, model: str = "role", *, stream: bool = False, headers: str = "", **more: Any) -> Reply:
        """One chat request on a connection of its own."""
        async with self.client() as client:
            messages = [{"role": "user", "content": "hi"}]
            await client.post({"model": model, "stream": stream, "messages": messages, **more}, headers=headers)
            return await client.reply()

    async def get(self, path: str) -> Reply:
        async with self.client() as client:
            return await client.get(path)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """(name of the Model, outcome) of every attempt that has ended."""
        return [(attempt.model.partition("/")[2], attempt.outcome.value) for attempt in self.attempts]


@asynccontextmanager
async def routing(state: Snapshot, settings: RouterSettings | None = None) -> AsyncIterator[Running]:
    """A router that serves this snapshot."""
    attempts: list[Attempt] = []
    router = Router(settings or RouterSettings(), on_attempt=attempts.append)
    router.apply(state)
    sock = socket.create_server(("127.0.0.1", 0))
    await router.start(sock)
    try:
        yield Running(router, sock.getsockname()[1], attempts)
    finally:
        await router.close(drain=0)


@asynccontextmanager
async def role(
    *where: Any,
    model_spec: Mapping[str, Any] = {},
    members_spec: Any = None,
    **spec: Any,
) -> AsyncIterator[Running]:
    """A router whose role ``role`` has the members m1, m2, ... at these addresses (each one or several).

    ``model_spec`` is for all of the Models, ``members_spec`` has one for each.
    """
    names = [f"m{number}" for number, _ in enumerate(where, 1)]
    specs = members_spec or [model_spec] * len(names)
    objects = [model(name, **each) for name, each in zip(names, specs, strict=True)]
    state = snapshot(*objects, chain("role", *names, **spec), endpoints=dict(zip(names, where, strict=True)))
    async with routing(state) as running:
        yield running

"""The router's source while the API server goes away and comes back at the same address."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from support.controlplane import ControlPlane
from support.http_client import RawClient
from support.kube.ports import free_ports
from support.kubernetes_objects import endpoint_slice, model
from support.router_source import Objects, addresses, admin, following
from support.upstreams import Upstream
from support.upstreams_scripts import ok

CRDS = Path(__file__).parents[2] / "crds"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own."""
    directory = tmp_path_factory.mktemp("plane")
    with ControlPlane(directory, crds=sorted(CRDS.glob("*.yaml")), controllers=False) as plane:
        yield plane


async def test_nothing_is_forgotten_and_what_changed_meanwhile_is_found(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as client:
        objects = Objects(client, "default")
        objects.put("models", model("stays"))
        objects.put("models", model("goes"))
        async with following(admin(plane)) as seen:
            before = await seen.until(lambda snapshot: len(snapshot.models) == 2)
            await asyncio.to_thread(plane.stop_api_server)
            await asyncio.to_thread(plane.start_api_server)
            assert seen.last is before
            objects.delete("models", "goes")
            objects.put("models", model("comes"))
            # A list names what there is before it ends, and only its end tells what is gone.
            await seen.until(lambda snapshot: set(snapshot.models) == {"default/stays", "default/comes"})


async def test_a_restart_during_an_outage_starts_from_what_was_saved(plane: ControlPlane, tmp_path: Path) -> None:
    with plane.client() as client:
        objects = Objects(client, "default")
        objects.put("models", model("m"))
        objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.1"))
        async with following(admin(plane), state=tmp_path) as seen:
            await seen.until(addresses("default", "m", "10.0.0.1:8080"))
        await asyncio.to_thread(plane.stop_api_server)
        async with following(admin(plane), state=tmp_path) as seen:
            snapshot = await seen.until(lambda _: True)
            assert snapshot.endpoints == {"default/m": ("10.0.0.1:8080",)}
            await asyncio.to_thread(plane.start_api_server)
            objects.put("endpointslices", endpoint_slice("s", "m", "10.0.0.2"))
            await seen.until(addresses("default", "m", "10.0.0.2:8080"))
            objects.delete("models", "m")
            await seen.until(lambda snapshot: "default/m" not in snapshot.models)


async def test_the_process_serves_through_an_outage_and_through_a_restart_in_it(
    plane: ControlPlane, tmp_path: Path
) -> None:
    async with Upstream(ok) as upstream:
        external = {"provider": "openaiCompatible", "baseURL": f"http://{upstream.address}/v1"}
        with plane.client() as client:
            Objects(client, "default").put("models", model("elsewhere", external=external))
        async with process(plane, tmp_path) as port:
            assert await ask(port, "elsewhere") == 200
            await asyncio.to_thread(plane.stop_api_server)
            assert await ask(port, "elsewhere") == 200
        async with process(plane, tmp_path) as port:
            assert await ask(port, "elsewhere") == 200
            await asyncio.to_thread(plane.start_api_server)


@contextlib.asynccontextmanager
async def process(plane: ControlPlane, state: Path) -> AsyncIterator[int]:
    """`python -m auriga_router`, once it listens; gives its port, and ends it as a kubelet does."""
    (port,) = free_ports(1)
    arguments = [f"--port={port}", f"--state={state}", "--log-attempts=false"]
    environment = os.environ | {"KUBECONFIG": str(plane.kubeconfig)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "auriga_router", *arguments, env=environment, stderr=asyncio.subprocess.PIPE
    )
    assert child.stderr
    try:
        async with asyncio.timeout(30):
            while b"listening on" not in await child.stderr.readline():
                assert child.returncode is None
        yield port
    finally:
        child.terminate()
        await child.communicate()
    assert child.returncode == 0


async def ask(port: int, name: str) -> int:
    """The status of one chat request."""
    async with RawClient(port) as client:
        await client.post({"model": name, "messages": [{"role": "user", "content": "hi"}]})
        return (await client.reply()).status

"""When the operator that leads begins to work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from auriga_operator.app import App
from auriga_operator.errors import ApiError
from auriga_operator.kube import Kube
from auriga_operator.resources import MODELS, SLICES, Key, Object, Resource
from auriga_operator.settings import Settings

MODEL = {"kind": "Model", "metadata": {"name": "m", "namespace": "ns", "uid": "u", "resourceVersion": "1"}}


class Cluster:
    """An API server with one Model, that forbids to list EndpointSlices."""

    async def pages(self, resource: Resource, *_: object, **__: object) -> AsyncIterator[tuple[list[Object], str]]:
        if resource == SLICES:
            raise ApiError(403, "Forbidden", "endpointslices is forbidden: cannot list")
        yield [MODEL] if resource == MODELS else [], "1"

    async def watch(self, *_: object, **__: object) -> AsyncIterator[tuple[str, Any]]:
        await asyncio.Event().wait()
        yield "BOOKMARK", {}

    async def get(self, key: Key) -> None:
        return None

    async def create(self, item: Object) -> Object:
        return item

    async def replace(self, item: Object) -> Object:
        return item


async def test_models_are_worked_on_without_the_right_to_find_routers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(router_service="auriga/router", load_token_file="/no/such/token")
    app = App(cast("Kube", Cluster()), settings, "me", "auriga", image_volumes=False)
    worked, said = asyncio.Event(), asyncio.Event()

    async def work(key: Key) -> None:
        worked.set()

    monkeypatch.setattr(app.queue, "_work", work)
    caplog.handler.addFilter(lambda _: not said.set())
    task = asyncio.create_task(app.run())
    async with asyncio.timeout(20):
        await said.wait()
        await worked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "following endpointslices of auriga: " in caplog.text
    assert "grant list and watch" in caplog.text

"""Waiting for definitions: until they are served, quietly, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from auriga_operator.errors import ApiError
from auriga_operator.kube import Kube
from auriga_operator.resources import CHAINS, MODELS, Resource
from auriga_operator.served import served


class Server:
    """Refuses so many lists of each resource before it answers."""

    def __init__(self, **refusals: int) -> None:
        self.left = refusals
        self.asked: list[tuple[str, str]] = []

    async def pages(
        self, resource: Resource, namespace: str, *_: Any, **__: Any
    ) -> AsyncIterator[tuple[list[Any], str]]:
        self.asked.append((resource.plural, namespace))
        if self.left.get(resource.plural, 0):
            self.left[resource.plural] -= 1
            raise ApiError(404, "NotFound", "404 page not found")
        yield [], "1"


async def wait(server: Server, *namespaces: str, seconds: float = 30) -> None:
    await served(cast("Kube", server), (MODELS, CHAINS), namespaces or ("",), seconds)


async def test_what_is_served_is_asked_for_once() -> None:
    server = Server()
    await wait(server, "one", "two")
    assert server.asked == [(plural, place) for plural in ("models", "rolechains") for place in ("one", "two")]


async def test_what_is_not_is_waited_for_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(models=1, rolechains=2)
    await wait(server)
    assert [plural for plural, _ in server.asked] == ["models"] * 2 + ["rolechains"] * 3
    assert caplog.messages == [f"waiting for {each}: 404 NotFound: 404 page not found" for each in server.left]


async def test_in_the_end_the_refusal_stands() -> None:
    with pytest.raises(ApiError, match="404 page not found"):
        await wait(Server(models=99), seconds=0)

"""Waiting until the API server serves what kopf is going to watch: one that refuses that ends kopf."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from auriga_operator.errors import ApiError
from auriga_operator.kube import Kube
from auriga_operator.resources import Resource

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

SECONDS = 60.0
"""How long somebody has for installing the definitions, or an API server that starts for reading them."""


async def served(
    kube: Kube, resources: Iterable[Resource], namespaces: Iterable[str], seconds: float = SECONDS
) -> None:
    """Return when each can be listed in each namespace (empty: in all). Raises the last ApiError after ``seconds``."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    places = tuple(namespaces)
    for resource in resources:
        for namespace in places:
            pause = 0.0
            while (error := await _refusal(kube, resource, namespace)) is not None:
                if loop.time() > until:
                    raise error
                if not pause:
                    _log.warning("waiting for %s: %s", resource.plural, error)
                pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                await asyncio.sleep(pause)


async def _refusal(kube: Kube, resource: Resource, namespace: str) -> ApiError | None:
    try:
        async for _ in kube.pages(resource, namespace, {"limit": "1"}, metadata_only=True):
            break
    except ApiError as error:
        return error
    return None

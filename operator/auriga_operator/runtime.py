"""How kopf is set up: what of it is used, and what not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import kopf


def configure(settings: kopf.OperatorSettings) -> None:
    """No peering, no Events and no state of kopf's own; it waits for an API server that is away as long as it takes."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.networking.error_backoffs = _Pauses()
    settings.networking.connect_timeout = 5.0
    settings.networking.request_timeout = 30.0
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.chunk_size = 100


class _NoDiffBase(kopf.DiffBaseStorage):
    """What an object was like before matters to no low-level handler; finding that out is most of kopf's work."""

    def build(self, *, body: kopf.Body, extra_fields: Iterable[object] | None = None) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        return None


class _Pauses:
    """Between tries while the API server does not answer, for ever: a list that ends would end the operator."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0)
        while True:
            yield 2.0

"""How tests ask for weights: requests, the events that came, a context without waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auriga_operator.weights.events import Done, Progress, Resolved
from auriga_operator.weights.fetch import Context, fetch
from auriga_operator.weights.hub import HubSettings
from auriga_operator.weights.request import Request
from auriga_operator.weights.retry import Policy
from support.hub import FakeHub


class Weights:
    """Fetches into one cache from one hub; keeps every event and every wait of the last fetch."""

    def __init__(self, hub: FakeHub, cache: Path, *, shared: Path | None = None, stall: float = 20.0) -> None:
        self.hub = hub
        self.cache = cache
        self.settings: dict[str, Any] = {"endpoint": hub.url, "shared_cache": shared}
        self.policy = Policy(stall=stall)
        self.events: list[Any] = []
        self.waits: list[float] = []
        self.sleep: Callable[[float], None] = self.waits.append
        self.now = 1_800_000_000.0

    def fetch(self, source: dict[str, Any], *, base: Path = Path(), ask: Any = None, **settings: Any) -> Done:
        """``source``: YAML; ``settings``: token, offline, shared_cache for this fetch only; ``ask``: of the request."""
        self.events.clear()
        self.waits.clear()
        request = Request.model_validate({"source": source, "cache": str(self.cache), "base": str(base), **(ask or {})})
        context = Context(HubSettings(**(self.settings | settings)), self.policy, self.sleep, lambda: self.now)
        return fetch(request, self.events.append, context)

    def from_hub(self, repo: str = "org/tiny", token: str = "", offline: bool = False, **spec: str) -> Done:
        """``spec``: fields of ``huggingFace``."""
        return self.fetch({"huggingFace": {"repo": repo, **spec}}, token=token, offline=offline)

    @property
    def resolved(self) -> list[Resolved]:
        return [event for event in self.events if isinstance(event, Resolved)]

    @property
    def progress(self) -> list[Progress]:
        return [event for event in self.events if isinstance(event, Progress)]


def until(condition: Callable[[], bool], seconds: int = 60) -> None:
    """Wait until ``condition()``, looking a hundred times a second, for at most so long."""
    tick = threading.Event()
    for _ in range(seconds * 100):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError(f"not so within {seconds} s")

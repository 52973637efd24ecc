"""Which Models have their pods replaced now, so that an upgrade does not replace all of them at once. No I/O."""

from __future__ import annotations

from auriga_operator.resources import Key
from auriga_operator.views import DeploymentView

PATIENCE = 600.0
"""Seconds after which a rollout that does not end holds up others no longer."""


class Rollouts:
    """Rollouts under way. ``most``: how many of those that nobody asked for there may be at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: dict[Key, float] = {}
        self._leaving: dict[Key, tuple[frozenset[str], float]] = {}

    def full(self, key: Key, now: float) -> bool:
        """Whether a rollout of ``key`` that nobody asked for has to wait for others."""
        others = [since for other, since in self._since.items() if other != key and now - since < PATIENCE]
        return len(others) >= self._most

    def begin(self, key: Key, now: float) -> None:
        """Its pods are about to be replaced."""
        self._since.setdefault(key, now)

    def freed(self, key: Key, leaving: frozenset[str], now: float) -> float:
        """When a pod of it was last about to go; 0: not yet. ``leaving``: those that go now."""
        before, last = self._leaving.get(key, (frozenset(), 0.0))
        if not leaving and not before:
            return last
        self._leaving[key] = leaving, now
        return now

    def note(self, key: Key, deployment: DeploymentView | None) -> None:
        """What its Deployment is like now. A rollout ends when all its pods are new and serve."""
        if deployment is None or deployment.complete or deployment.wanted == 0:
            self._since.pop(key, None)
            self._leaving.pop(key, None)

    def take_over(self, key: Key, deployment: DeploymentView, now: float) -> None:
        """What another replica may have begun: pods of two templates are there."""
        if deployment.replicas > deployment.updated:
            self.begin(key, now)

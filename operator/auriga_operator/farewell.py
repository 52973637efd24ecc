"""Which pods go when fewer are wanted: those with the least to do, and of those the ones with the coldest caches. Pure.

Kubernetes' ReplicaSets take pods that are not ready first, and then those with the lowest deletion cost.
"""

from __future__ import annotations

from dataclasses import dataclass

from auriga_api.load import EndpointLoad
from auriga_operator.resources import PODS, Key
from auriga_operator.snapshot import ModelSnapshot
from auriga_operator.views import PodView

_IDLE = EndpointLoad()


@dataclass(frozen=True, slots=True)
class Mark:
    """The deletion cost that a pod gets."""

    key: Key
    uid: str
    cost: int


def marks(seen: ModelSnapshot) -> tuple[Mark, ...]:
    """What to mark so that the right pods go until ``seen.replicas`` are left, but for what is marked so already."""
    if seen.scale is None:
        return ()
    ready = sorted((pod for pod in seen.engines if pod.ready), key=lambda pod: _worth(pod, seen))
    going = max(0, len(ready) - seen.replicas)
    costs = {pod.name: index - going for index, pod in enumerate(ready[:going])}
    return tuple(
        Mark(seen.key(PODS.kind, pod.name), pod.uid, costs.get(pod.name, 0))
        for pod in ready
        if costs.get(pod.name, 0) != pod.deletion_cost
    )


def _worth(pod: PodView, seen: ModelSnapshot) -> tuple[int, float]:
    """Sorts pods by what would be lost with them."""
    endpoints = seen.scale.endpoints if seen.scale else {}
    load = next((each for address, each in endpoints.items() if _host(address) == pod.ip), _IDLE)
    return load.in_flight, -load.idle if load.idle is not None else float("-inf")


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")

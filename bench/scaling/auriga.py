"""Auriga's own decision, as the operator and `auriga up` make it."""

from __future__ import annotations

from replicas import Seen

from auriga_api.load import ModelLoad
from auriga_api.model import Autoscaling
from auriga_operator.autoscale import Facts, begin, decide


class Auriga:
    """Its autoscaler for one Model."""

    def __init__(self, minimum: int, maximum: int, target: int, *, idle: str) -> None:
        self._spec = Autoscaling(min_replicas=minimum, max_replicas=maximum, target_in_flight=target, idle_timeout=idle)
        self._state = begin(0, 0.0)
        self._requests = 0
        self._asked: float | None = None

    def __call__(self, now: float, seen: Seen, there: int) -> int:
        """Replicas wanted."""
        if seen.requests != self._requests:
            self._requests, self._asked = seen.requests, now
        idle = now - self._asked if self._asked is not None else None
        load = ModelLoad(in_flight=seen.in_flight, queued=seen.queued, requests=seen.requests, idle=idle)
        self._state = decide(self._spec, load, self._state, Facts(ready=seen.ready), now).state
        return self._state.desired

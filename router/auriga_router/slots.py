"""The load of one Model, over all of its endpoints. Outlives routing tables; knows no sockets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Slots:
    """How many requests a Model works on."""

    in_flight: int = 0

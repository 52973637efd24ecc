"""Why a Model with ``autoscaling`` is not here, for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from auriga_cli.local.announce import short
from auriga_cli.local.claim import NEVER
from auriga_cli.local.demand import Demand
from auriga_cli.local.turns import Wait

WAKES = "the next request starts it"


def waiting(wait: Wait, demands: Mapping[str, Demand], now: float) -> str:
    """Whom it waits for, and until when."""
    names = _names(wait.others)
    if wait.why == "Leaving":
        ends = sum(demands[each].claim.in_flight for each in wait.others)
        one = len(wait.others) == 1
        when = f" when {'its' if one else 'their'} {_requests(ends)}" if ends else ""
        return f"waiting for memory: {names} {'leaves' if one else 'leave'}{when}"
    if wait.why == "Turn":
        left = f" for another {ceil(wait.until - now)} s at most" if wait.until != NEVER else ""
        return f"waiting for memory: it is the turn of {names}{left}"
    return f"waiting for memory: {names} waited before"


def _names(models: tuple[str, ...]) -> str:
    return " and ".join(short(model) for model in models) or "others"


def leaving(known: Demand) -> str:
    """What it still has to do."""
    return f"it makes room when its {_requests(known.claim.in_flight)}" if known.claim.in_flight else "it makes room"


def _requests(number: int) -> str:
    return f"{number} request{' ends' if number == 1 else 's end'}"

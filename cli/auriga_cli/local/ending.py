"""Why an engine ended, for people. Pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from auriga_api.model_status import ENGINE_CRASHED, KILLED
from auriga_cli.engines.embedded import EX_USAGE
from auriga_cli.local.guard import EX_NOTFOUND


@dataclass(frozen=True, slots=True)
class Ending:
    """How an engine of a Model ended: a reason, a line that says what to do, its own last lines."""

    reason: str
    message: str
    revision: str
    lines: tuple[str, ...] = ()


def stuck(reason: str, seconds: float) -> tuple[str, str]:
    """Reason and message for an engine that was ended because nothing came of it."""
    if reason == "NeverHealthy":
        return reason, f"the engine made no progress for {seconds:.0f} s while loading (--load-timeout gives it longer)"
    return reason, f"the engine answered no health check and did no work for {seconds:.0f} s"


def crash(code: int, *, served: bool) -> tuple[str, str]:
    """Reason and message for an engine that ended by itself with ``code``, negative for a signal."""
    when = "while it served" if served else "while loading the weights"
    if code == EX_USAGE:
        return "InvalidArguments", "the engine refused its arguments"
    if code == EX_NOTFOUND:
        return "EngineNotFound", "the engine could not be run"
    if code == -signal.SIGKILL:
        return KILLED, f"the engine was killed (SIGKILL) {when}: if it was the system, memory ran out"
    if code < 0:
        return ENGINE_CRASHED, f"the engine crashed ({_name(-code)}) {when}"
    return ENGINE_CRASHED, f"the engine ended with exit status {code} {when}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

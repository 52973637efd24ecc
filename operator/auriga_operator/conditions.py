"""Conditions: how findings about an object are written down for machines and people. Pure.

``Ready`` says whether a request would be answered now. ``Reconciling`` and ``Stalled`` are there only while they are
true: kstatus, and so Flux and others, take the first for "wait", the second for "failed", and their absence for "done".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from auriga_api.base import Condition

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One aspect as it is found now."""

    type: str
    status: Status
    reason: str
    message: str = ""


def truth(value: bool) -> Status:
    """A boolean as conditions write it."""
    return "True" if value else "False"


def conditions(
    findings: Iterable[Finding], generation: int, before: Sequence[Condition], now: float
) -> list[dict[str, Any]]:
    """The conditions to write. ``lastTransitionTime`` moves only where ``status`` does."""
    known = {condition.type: condition for condition in before}
    return [_condition(finding, generation, known.get(finding.type), now) for finding in findings]


def _condition(finding: Finding, generation: int, before: Condition | None, now: float) -> dict[str, Any]:
    same = before is not None and before.status == finding.status and before.last_transition_time != ""
    since = before.last_transition_time if before and same else stamp(now)
    return {
        "type": finding.type,
        "status": finding.status,
        "reason": finding.reason,
        "message": finding.message,
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }


def stamp(now: float) -> str:
    """A time as Kubernetes writes it."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gist(status: dict[str, Any] | None) -> tuple[Any, ...]:
    """What of a status somebody may be waiting for; the rest (counts, bytes, messages) can wait a little."""
    status = status or {}
    conditions_ = status.get("conditions") or []
    return (
        status.get("observedGeneration"),
        status.get("phase"),
        status.get("activeMember"),
        (status.get("autoscaling") or {}).get("desired"),
        tuple(sorted((each["type"], each["status"], each["reason"]) for each in conditions_)),
    )

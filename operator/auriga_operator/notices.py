"""Events: what of a change of status is told to whoever looks at the object. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from auriga_operator.conditions import stamp
from auriga_operator.objects.names import digest
from auriga_operator.resources import EVENTS, Object

_LONGEST = 1024
"""Characters of an Event's message that Kubernetes takes."""

_QUIET = frozenset((
    "Starting", "Loading", "Downloading", "ResolvingWeights", "Updating", "Serving", "External", "Suspended",
    "ScaledToZero",
))  # fmt: skip
"""Reasons of Ready that are the ordinary course of things."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One Event to be written."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    at: str = ""
    """When, if it is to be told each time that it happens."""


def of_model(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Notice]:
    """That it was scaled, that it became ready, or that and why it cannot serve as it should."""
    yield from _scaled(before.get("autoscaling") or {}, after.get("autoscaling") or {})
    was, now = _condition(before, "Ready"), _condition(after, "Ready")
    if _same(was, now):
        return
    if now["reason"] not in _QUIET:
        yield Notice("Warning", now["reason"], now["message"])
    elif now["status"] == "True" and was.get("status") != "True":
        yield Notice("Normal", "Ready", now["message"])


def _scaled(was: dict[str, Any], now: dict[str, Any]) -> Iterator[Notice]:
    if was and now and was["desired"] != now["desired"]:
        text = f"{was['desired']} -> {now['desired']} replicas: {now['reason']}"
        yield Notice("Normal", "Scaled", text, at=now.get("lastScaleTime", ""))


def of_chain(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Notice]:
    """That nobody can answer, that a name is taken or a member missing, or that another member answers now."""
    for kind in ("Ready", "MembersResolved", "SynonymsUnique"):
        was, now = _condition(before, kind), _condition(after, kind)
        # What is new waits for its members: that is no news.
        quiet = now["reason"] in _QUIET or (kind == "Ready" and not was)
        if now["status"] == "False" and not _same(was, now) and not quiet:
            yield Notice("Warning", now["reason"], now["message"])
    was_active, active = before.get("activeMember", ""), after["activeMember"]
    if active and active != was_active:
        yield Notice("Normal", "ActiveMember", f"{active} answers now" + (f", not {was_active}" if was_active else ""))


def event(notice: Notice, about: Object, component: str, now: float) -> Object:
    """The Event. Its name is made of what it says, so that the same is not told again while it is still there."""
    metadata = about["metadata"]
    said = [metadata["uid"], notice.type, notice.reason, notice.message, *([notice.at] if notice.at else [])]
    name = f"{metadata['name']}.{digest(said)}"
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": notice.type,
        "reason": notice.reason,
        "message": notice.message[:_LONGEST],
        "source": {"component": component},
        "reportingComponent": component,
        "firstTimestamp": stamp(now),
        "lastTimestamp": stamp(now),
        "count": 1,
    }


def _condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((each for each in status.get("conditions") or [] if each["type"] == kind), {})


def _same(was: dict[str, Any], now: dict[str, Any]) -> bool:
    return (was.get("status"), was.get("reason")) == (now["status"], now["reason"])

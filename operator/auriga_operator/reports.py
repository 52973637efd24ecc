"""What the fetcher of a Model's weights says, from its pod's state and its log. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from pydantic import ValidationError

from auriga_api.model import Artifact
from auriga_api.model_status import OOM_KILLED
from auriga_operator.objects.fetching import NAME
from auriga_operator.snapshot import NOTHING_SAID, FetchReport
from auriga_operator.texts import tail
from auriga_operator.views import ContainerView, PodView


def of_pod(pod: PodView) -> FetchReport:
    """What the pod's state tells: that it is done, or how it failed last."""
    container = fetcher(pod)
    if container is None or container.ended is None:
        return NOTHING_SAID
    report = of_lines(container.ended.message)
    if container.finished and container.ended.exit_code == 0:
        return report
    if report.reason:
        return FetchReport(reason=report.reason, message=report.message)
    if container.ended.exit_code == 0 or container.ended.reason == OOM_KILLED:
        return NOTHING_SAID
    says = tail(container.ended.message) or container.ended.reason
    return FetchReport(reason="FetchFailed", message=f"the fetcher ended with {container.ended.exit_code}: {says}")


def fetcher(pod: PodView) -> ContainerView | None:
    """The container that fetches."""
    return next((container for container in pod.containers if container.name == NAME), None)


def of_lines(text: str) -> FetchReport:
    """What JSON lines of the fetcher say together; other lines say nothing."""
    report = NOTHING_SAID
    for line in text.splitlines():
        report = _after(report, _event(line))
    return report


def _event(line: str) -> dict[str, Any]:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _after(report: FetchReport, event: dict[str, Any]) -> FetchReport:
    match event:
        case {"event": "resolved", "artifact": artifact}:
            return replace(report, artifact=_artifact(artifact))
        case {"event": "progress", "bytes": int(here), "totalBytes": int(total)}:
            return replace(report, bytes=here, total_bytes=total, trouble="")
        case {"event": "retrying", "message": str(message)}:
            return replace(report, trouble=message)
        case {"event": "done", "path": str(path), "artifact": artifact}:
            return FetchReport(artifact=_artifact(artifact), path=path)
        case {"event": "failed", "reason": str(reason), "message": str(message)}:
            return FetchReport(reason=reason, message=message)
        case _:
            return report


def _artifact(value: object) -> Artifact | None:
    try:
        return Artifact.model_validate(value)
    except ValidationError:
        return None

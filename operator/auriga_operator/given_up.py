"""Pods that their node has given up, or never took: why, for as long as their successors are not ready. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from auriga_operator.texts import tail
from auriga_operator.views import PodView

SUCCESSION = 60.0
"""Seconds in which Kubernetes makes the next pod. One that comes later was not made because of that."""
_REASON = re.compile(r"[A-Za-z]+")
_ADVICE = {
    "Evicted": "free that on the node, or ask for as much in spec.resources.requests as its pods really take",
    "UnexpectedAdmissionError": "look at the device plugin of that node, and at `kubectl describe node`",
    "Preempting": "set a priorityClassName in spec.podTemplate.spec that is not below that of others",
    "NodeLost": "look at that node: it does not answer",
}
_USUAL = "look at that node: `kubectl describe node` has what it holds, and its taints"


def given_up(pods: Iterable[PodView], revision: str) -> tuple[str, str] | None:
    """Reason and message of the last engine pod of this revision that a node gave up, while its successor starts."""
    current = [pod for pod in pods if pod.component == "engine" and pod.revision == revision]
    gone = [pod for pod in current if pod.given_up and _is_missed(pod, current)]
    if not gone:
        return None
    last = max(gone, key=lambda pod: pod.over_since)
    # A resource's name may be in it, such as OutOfnvidia.com/gpu: no reason of a condition may have a slash.
    reason = last.given_up if _REASON.fullmatch(last.given_up) else "NotAdmitted"
    says = f"; the node says: {tail(last.given_up_says)}" if last.given_up_says else ""
    advice = _ADVICE.get(reason, _USUAL)
    return reason, f"node {last.node or '(unknown)'} gave the pod {last.name} up, and another is made: {advice}{says}"


def _is_missed(gone: PodView, current: list[PodView]) -> bool:
    """Is nobody ready who came after it, and is somebody about to?"""
    after = [pod for pod in current if pod.created >= gone.created and not pod.over and not pod.deleting]
    if any(pod.ready and pod.created > gone.created for pod in after):
        return False
    return any(not pod.ready and pod.created <= gone.over_since + SUCCESSION for pod in after)

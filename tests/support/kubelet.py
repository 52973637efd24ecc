"""What a node would say of its pods, said by the test: the control plane of the tests has no nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from support.operators import Namespace, Object


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Kubelet:
    """Writes the status of pods, as the scheduler and a node would."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace

    def pod(self, model: str, component: str = "engine") -> Object:
        """The newest pod of a Model, once there is one without a node."""
        selector = {"auriga.dev/model": model, "app.kubernetes.io/component": component}

        def fits(item: Object) -> bool:
            marks = item["metadata"].get("labels") or {}
            return selector.items() <= marks.items() and "nodeName" not in item["spec"] and not _gone(item)

        found = self._namespace.until("Pod", lambda pods: any(map(fits, pods.values())))
        return max(filter(fits, found.values()), key=lambda item: int(item["metadata"]["resourceVersion"]))

    def place(self, pod: Object, node: str = "node-1") -> None:
        """The scheduler has found a node for it."""
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]},
                   "target": {"kind": "Node", "name": node}}  # fmt: skip
        self._namespace.create(binding, "binding", pod["metadata"]["name"])

    def unschedulable(self, pod: Object, message: str) -> None:
        """The scheduler has found none."""
        scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        self._status(pod, conditions=[{**scheduled, "lastTransitionTime": _now()}])

    def serve(self, model: str) -> Object:
        """A pod is placed, starts and becomes ready."""
        pod = self.pod(model)
        self.place(pod)
        self.running(pod)
        return pod

    def running(self, pod: Object, *, ready: bool = True, restarts: int = 0, last: Object | None = None) -> None:
        """Its container runs."""
        state: Object = {"running": {"startedAt": _now()}}
        self._containers(pod, "Running", state, ready=ready, restarts=restarts, last=last)

    def waiting(
        self, pod: Object, reason: str, message: str = "", *, restarts: int = 0, last: Object | None = None
    ) -> None:
        """Its container waits."""
        state = {"waiting": {"reason": reason, "message": message}}
        self._containers(pod, "Pending", state, ready=False, restarts=restarts, last=last)

    def ended(self, pod: Object, exit_code: int, message: str = "", reason: str = "") -> None:
        """Its container has ended for good."""
        phase = "Failed" if exit_code else "Succeeded"
        self._containers(pod, phase, terminated(exit_code, message, reason), ready=False)

    def give_up(self, pod: Object, reason: str, message: str) -> None:
        """The node ends it, or does not take it."""
        not_ready = {"type": "Ready", "status": "False", "lastTransitionTime": _now()}
        self._status(pod, phase="Failed", reason=reason, message=message, conditions=[not_ready])

    def warn(self, pod: Object, reason: str, message: str) -> None:
        """The node writes an Event about it."""
        metadata = pod["metadata"]
        about = {"apiVersion": "v1", "kind": "Pod", **{part: metadata[part] for part in ("name", "namespace", "uid")}}
        name = {"name": f"{metadata['name']}.{reason.lower()}"}
        event = {"kind": "Event", "metadata": name, "involvedObject": about, "type": "Warning", "reason": reason}
        self._namespace.create({**event, "message": message, "lastTimestamp": _now()})

    def remove(self, pod: Object) -> None:
        """It is over: the node says that it has stopped."""
        self._namespace.client.delete(
            self._namespace.path("Pod", pod["metadata"]["name"]), params={"gracePeriodSeconds": "0"}
        ).raise_for_status()

    def _containers(
        self, pod: Object, phase: str, state: Object, *, ready: bool, restarts: int = 0, last: Object | None = None
    ) -> None:
        name = pod["spec"]["containers"][0]["name"]
        status: dict[str, Any] = {
            "name": name, "image": "x", "imageID": "x", "ready": ready, "restartCount": restarts, "state": state,
            **({"lastState": last} if last else {}),
        }  # fmt: skip
        ready_now = {"type": "Ready", "status": str(ready), "lastTransitionTime": _now()}
        placed = {"type": "PodScheduled", "status": "True", "lastTransitionTime": _now()}
        self._status(pod, phase=phase, containerStatuses=[status], conditions=[ready_now, placed])

    def _status(self, pod: Object, **status: Any) -> None:
        self._namespace.patch("Pod", pod["metadata"]["name"], {"status": status}, "status", manager="kubelet")


def terminated(exit_code: int, message: str = "", reason: str = "") -> Object:
    """The state of a container that has ended."""
    reason = reason or ("Error" if exit_code else "Completed")
    return {"terminated": {"exitCode": exit_code, "reason": reason, "message": message, "finishedAt": _now()}}


def _gone(item: Object) -> bool:
    return "deletionTimestamp" in item["metadata"]

"""The operator as a process, and one namespace of a real API server as its tests see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from auriga_operator.resources import BY_KIND, Key
from support.controlplane import ControlPlane

Object = dict[str, Any]
WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))


class Operator:
    """``python -m auriga_operator`` for one namespace, with a Lease there. ``with`` starts it and stops it."""

    def __init__(self, plane: ControlPlane, namespace: str, log: Path, *arguments: str) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
        self._arguments = [
            "--namespaces", namespace, "--lease-namespace", namespace, "--probe-port", "0", *arguments,
        ]  # fmt: skip
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it; it works as soon as it has the Lease."""
        assert self._process is None
        command = [sys.executable, "-m", "auriga_operator", *self._arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        return self

    def stop(self) -> int:
        """As Kubernetes stops a pod: SIGTERM, and time to finish. The exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=15)
        finally:
            self.kill()

    def kill(self) -> None:
        """As when a node dies."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(timeout=5)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process and self._process.poll() is None:
            self.stop()


class Namespace:
    """Objects of one namespace, by kind and name, as a cluster admin sees them."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self.plane = plane
        self.name = name
        self.client = plane.client()

    def path(self, kind: str, name: str = "", subresource: str = "") -> str:
        return BY_KIND[kind].path(self.name, name, subresource)

    def apply(self, *items: Object) -> None:
        """Create or change, as kubectl apply --server-side would."""
        for item in items:
            body = {"apiVersion": BY_KIND[item["kind"]].api_version, **item}
            path = self.path(item["kind"], item["metadata"]["name"])
            self._send("PATCH", path, body, "application/apply-patch+yaml", fieldManager="tester", force="true")

    def patch(self, kind: str, name: str, change: Object, subresource: str = "", manager: str = "tester") -> Object:
        """Change some fields, as kubectl edit would."""
        path = self.path(kind, name, subresource)
        return self._send("PATCH", path, change, "application/merge-patch+json", fieldManager=manager)

    def create(self, item: Object, subresource: str = "", name: str = "") -> Object:
        body = {"apiVersion": BY_KIND[item["kind"]].api_version, **item} if item["kind"] in BY_KIND else item
        kind = "Pod" if subresource == "binding" else item["kind"]
        return self._send("POST", self.path(kind, name, subresource), body, "application/json")

    def delete(self, kind: str, name: str) -> None:
        self.client.delete(self.path(kind, name)).raise_for_status()

    def get(self, kind: str, name: str) -> Object | None:
        answer = self.client.get(self.path(kind, name))
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return dict(answer.json())

    def list(self, kind: str, selector: str = "") -> list[Object]:
        answer = self.client.get(self.path(kind), params={"labelSelector": selector})
        answer.raise_for_status()
        return [{**item, "kind": kind} for item in answer.json()["items"]]

    def until(self, kind: str, holds: Callable[[dict[str, Object]], bool], seconds: float = 20) -> dict[str, Object]:
        """Follow all objects of a kind until ``holds`` does of them by name; fails with what there was at last."""
        deadline = time.monotonic() + seconds
        found: dict[str, Object] = {}
        with suppress(httpx.ReadTimeout):
            for found in self._states(kind, deadline):
                if holds(found):
                    return found
        raise AssertionError(f"not after {seconds} s; there are: {json.dumps(_shown(found), indent=1)[:3000]}")

    def model(self, name: str, holds: Callable[[Object], bool], seconds: float = 20) -> Object:
        """The status of a Model once ``holds`` does of it."""
        found = self.until("Model", lambda all_: name in all_ and holds(all_[name].get("status") or {}), seconds)
        return dict(found[name]["status"])

    def ready(self, name: str, reason: str, seconds: float = 20) -> Object:
        """The status of a Model once its condition Ready has that reason for the spec as it is."""

        def holds(all_: dict[str, Object]) -> bool:
            item = all_.get(name) or {}
            status = item.get("status") or {}
            current = status.get("observedGeneration") == (item.get("metadata") or {}).get("generation")
            return current and condition(status, "Ready").get("reason") == reason

        return dict(self.until("Model", holds, seconds)[name]["status"])

    def writes(self, since: int = 0) -> list[str]:
        """What operators wrote here, ``verb resource/subresource name``, by the audit log; Leases left out."""
        return [text for text in map(self._write, list(self.plane.audit())[since:]) if text]

    def _write(self, event: Object) -> str:
        target = event.get("objectRef") or {}
        ours = event.get("userAgent", "").startswith(("auriga-operator", "kopf"))
        here = target.get("namespace") == self.name and target.get("resource") != "leases"
        if not (ours and here and event["verb"] in WRITES):
            return ""
        what = "/".join(filter(None, (target.get("resource"), target.get("subresource"))))
        return f"{event['verb']} {what} {target.get('name', '')}"

    def _states(self, kind: str, deadline: float) -> Iterator[dict[str, Object]]:
        while (left := deadline - time.monotonic()) > 0:
            answer = self.client.get(self.path(kind))
            answer.raise_for_status()
            found = {item["metadata"]["name"]: item for item in answer.json()["items"]}
            yield found
            params = {"watch": "true", "resourceVersion": answer.json()["metadata"]["resourceVersion"]}
            with self.client.stream("GET", self.path(kind), params=params, timeout=max(left, 0.1)) as stream:
                for line in stream.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR" or time.monotonic() > deadline:
                        break
                    _take(found, event)
                    yield found

    def _send(self, method: str, path: str, body: Object, content_type: str, **params: str) -> Object:
        answer = self.client.request(
            method, path, params=params, content=json.dumps(body), headers={"content-type": content_type}
        )
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return dict(answer.json())


def _take(found: dict[str, Object], event: Object) -> None:
    name = event["object"]["metadata"]["name"]
    if event["type"] == "DELETED":
        found.pop(name, None)
    else:
        found[name] = event["object"]


def _shown(found: dict[str, Object]) -> dict[str, Any]:
    return {name: item.get("status") or item["metadata"] for name, item in found.items()}


def condition(status: Object, kind: str) -> Object:
    """A condition of a status, or nothing."""
    return next((each for each in status.get("conditions") or [] if each["type"] == kind), {})


def told(place: Namespace, kind: str, name: str, reason: str, seconds: float = 20) -> str:
    """What a Warning of that reason about the object says, once there is one."""

    def about(item: Object) -> bool:
        target = item["involvedObject"]
        return (target["kind"], target["name"], item["reason"], item["type"]) == (kind, name, reason, "Warning")

    found = place.until("Event", lambda all_: any(map(about, all_.values())), seconds)
    return str(next(item["message"] for item in found.values() if about(item)))


def volume_model(name: str, **spec: Any) -> Object:
    """A Model whose weights lie on the claim ``weights``."""
    source = {"source": {"volume": {"claimName": "weights", "path": f"{name}.gguf"}}}
    return {"kind": "Model", "metadata": {"name": name}, "spec": {**source, **spec}}


def claim(name: str = "weights") -> Object:
    """A claim."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def objects(text: str) -> list[Object]:
    """The objects of a YAML text."""
    return [item for item in yaml.safe_load_all(text) if item]


def key(kind: str, namespace: str, name: str) -> Key:
    return Key(kind, namespace, name)

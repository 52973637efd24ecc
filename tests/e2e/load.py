"""Requests from a pod inside the cluster, by the router's Service name, and what came of each of them."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import cluster
from e2e.kubectl import Kubectl, Object
from e2e.release import NAMESPACE

ROUTER = f"http://auriga-router.{NAMESPACE}.svc.cluster.local"
SCRIPT = Path(__file__).with_name("client.py")
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """A pod that asks. Its answers can be read while it runs."""

    kubectl: Kubectl
    name: str

    def answers(self) -> list[Answer]:
        """All so far, oldest first."""
        return [json.loads(line) for line in self.kubectl.run("logs", self.name).splitlines()]

    def until(self, what: str, enough: Callable[[list[Answer]], bool], seconds: float = 180) -> list[Answer]:
        """The answers as soon as they are `enough`. Fails when that takes longer than `seconds`."""
        until(what, lambda: enough(self.answers()), seconds)
        return self.answers()

    def more(self, number: int = 20) -> list[Answer]:
        """The answers when there are that many more than now."""
        before = len(self.answers())
        return self.until(f"{number} more answers", lambda answers: len(answers) >= before + number)[before:]

    def counter(self) -> Callable[[], int]:
        """Says how many answers there are, also when the API server cannot be asked."""
        pod = self.kubectl.get("pod", self.name)["metadata"]
        return lambda: cluster.pod_log(self.name, pod["namespace"], pod["uid"], "client").count("\n")

    def stop(self) -> list[Answer]:
        """All answers, after the last request has got its own."""
        self.kubectl.run("exec", self.name, "--", "touch", "/tmp/stop")
        return self.finished()

    def finished(self) -> list[Answer]:
        """All answers, when it has ended by itself."""
        self.kubectl.wait("jsonpath={.status.phase}=Succeeded", f"pod/{self.name}", seconds=90)
        return self.answers()


def start(
    kubectl: Kubectl,
    model: str,
    *,
    workers: int,
    requests: int = 0,
    streams: str = "half",
    question: str = "What is a RoleChain?",
) -> Load:
    """A pod that asks one request after the other. For the arguments see client.py."""
    name = f"{kubectl.namespace}/{model}"
    return launch(kubectl, SCRIPT, name, str(workers), str(requests), streams, question)


def launch(kubectl: Kubectl, script: Path, *arguments: str) -> Load:
    """A pod of the router's own image, which has Python and an HTTP client, with a script that asks the router."""
    system = Kubectl(kubectl.kubeconfig, NAMESPACE)
    image = system.get("deployment", "auriga-router")["spec"]["template"]["spec"]["containers"][0]["image"]
    text = {"client.py": script.read_text()}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "client"}, "data": text},
        _pod("load", image, [ROUTER, *arguments]),
    )
    running = Load(kubectl, "load")
    kubectl.wait("jsonpath={.status.containerStatuses[0].containerID}", "pod/load", seconds=60)  # it has a log
    running.until("first answer", bool)
    return running


def until(what: str, ready: Callable[[], bool], seconds: float = 180) -> None:
    """Returns when it is `ready`. Fails when that takes longer than `seconds`."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"no {what} after {seconds:g} s"
        time.sleep(0.2)


def routers(system: Kubectl) -> set[str]:
    """The names of the router's pods."""
    items = system.get("pods", "--selector=app.kubernetes.io/component=router")["items"]
    return {pod["metadata"]["name"] for pod in items}


def attempts(system: Kubectl, kubectl: Kubectl) -> list[dict[str, Any]]:
    """What the routers have tried for the scenario of `kubectl`, by their logs."""
    lines = [line for name in routers(system) for line in system.run("logs", name).splitlines()]
    found = [json.loads(line) for line in lines if line.startswith('{"time"')]
    return [attempt for attempt in found if attempt["model"].startswith(f"{kubectl.namespace}/")]


def busiest(system: Kubectl, kubectl: Kubectl) -> Object:
    """The pod of the Model `demo` that was asked most: requests with the same prompt keep to one."""
    endpoints = Counter(attempt["endpoint"].partition(":")[0] for attempt in attempts(system, kubectl))
    ((address, _),) = endpoints.most_common(1)
    pods = kubectl.get("pods", "--selector=auriga.dev/model=demo")["items"]
    (found,) = [pod for pod in pods if pod["status"]["podIP"] == address]
    return dict(found)


def lost(answers: list[Answer]) -> list[Answer]:
    """Those requests that got no proper answer."""
    return [answer for answer in answers if not answer["ok"]]


def _pod(name: str, image: str, arguments: list[str]) -> Object:
    container = {
        "name": "client",
        "image": image,
        "command": ["python", "/script/client.py", *arguments],
        "volumeMounts": [{"name": "script", "mountPath": "/script"}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "script", "configMap": {"name": "client"}}, {"name": "tmp", "emptyDir": {}}],
        },
    }

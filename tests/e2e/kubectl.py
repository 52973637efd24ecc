"""kubectl as a cluster admin: what the scenarios see and do."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.kube.provide import find

KUBECTL = frozenset({"kubectl"})
Object = dict[str, Any]


class TroubleError(Exception):
    """Something that a scenario needs did not work; the message is what the program said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl for one cluster, in one namespace."""

    kubeconfig: Path
    namespace: str = "default"

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 240) -> str:
        """Its output. Raises TroubleError with what it wrote to stderr."""
        command = [find(KUBECTL) / "kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        process = subprocess.run(
            [*command, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=seconds,
            check=False,
            env=os.environ | {"KUBECACHEDIR": str(self.kubeconfig.parent / "kubectl")},
        )
        if process.returncode:
            raise TroubleError(f"kubectl {' '.join(arguments)}: {process.stderr.strip()}")
        return process.stdout

    def get(self, *arguments: str) -> Object:
        """One object, or a List of them."""
        found: Object = json.loads(self.run("get", "--output=json", *arguments))
        return found

    def apply(self, *objects: Object) -> None:
        """Objects that are made here and not in a YAML file."""
        self.run("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def wait(self, condition: str, *what: str, seconds: float = 120) -> None:
        """Returns when `condition`, as in `kubectl wait --for=`, holds. Raises TroubleError after `seconds`."""
        self.run("wait", f"--for={condition}", f"--timeout={seconds:g}s", *what)

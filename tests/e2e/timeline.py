"""What changes while a scenario runs, and when: what `kubectl get --watch` says, with the time at which it said so."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.kubectl import KUBECTL, Kubectl
from support.kube.provide import find

Moment = tuple[float, str]


class Timeline:
    """Follows some numbers of some objects. Times in seconds since 1970."""

    def __init__(self) -> None:
        self.moments: dict[str, list[Moment]] = {}

    @contextmanager
    def following(self, kubectl: Kubectl, **watched: tuple[str, str]) -> Iterator[None]:
        """By name: which object, and which of its fields as a JSONPath."""
        processes = [self._start(kubectl, name, *what) for name, what in watched.items()]
        try:
            yield
        finally:
            for process in processes:
                process.kill()
                process.wait(timeout=10)

    def first(self, name: str, since: float, *values: str) -> float:
        """When it first had one of those values, not before `since`."""
        found = [at for at, value in list(self.moments[name]) if at >= since and value in values]
        assert found, (name, values, self.moments[name])
        return found[0]

    def write(self, file: Path, **more: Any) -> None:
        """For whoever draws it: times count from the first of all."""
        begin = min((moments[0][0] for moments in self.moments.values() if moments), default=0.0)
        told = {name: [[round(at - begin, 3), value] for at, value in each] for name, each in self.moments.items()}
        file.write_text(json.dumps({"begin": begin, **told, **more}, indent=1))

    def _start(self, kubectl: Kubectl, name: str, what: str, path: str) -> subprocess.Popen[str]:
        moments = self.moments[name] = []
        command = [
            str(find(KUBECTL) / "kubectl"), f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={kubectl.namespace}",
            "get", *what.split(), "--watch", f"--output=jsonpath={path}{{'\\n'}}",
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=_read, args=(process, moments), daemon=True).start()
        return process


def _read(process: subprocess.Popen[str], moments: list[Moment]) -> None:
    assert process.stdout
    moments.extend((time.time(), line.strip()) for line in process.stdout)

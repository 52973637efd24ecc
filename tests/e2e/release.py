"""The release of the chart on a cluster: what helm sees and does."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.kubectl import Kubectl, TroubleError
from support.kube.helm import HELM

NAMESPACE = "auriga-system"
RELEASE = "auriga"
SECONDS = 240
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Release:
    """The one release; `system` is kubectl in its namespace."""

    system: Kubectl

    def upgrade(self, chart: Path, values: Values) -> None:
        """Installs it, or brings it to this chart; returns when every pod of it is ready. Raises TroubleError."""
        options = ("--install", "--create-namespace", "--wait", f"--timeout={SECONDS}s", "--values=-")
        self.helm("upgrade", RELEASE, str(chart), *options, stdin=json.dumps(values))

    def rollback(self, revision: int) -> None:
        """Brings it back to what it was in that revision. Raises TroubleError."""
        self.helm("rollback", RELEASE, str(revision), "--wait", f"--timeout={SECONDS}s")

    def uninstall(self) -> None:
        """Returns when it is gone. Raises TroubleError."""
        self.helm("uninstall", RELEASE, "--wait", f"--timeout={SECONDS}s")

    def test(self) -> str:
        """What helm says of the chart's own tests, and what they wrote. Raises TroubleError when they fail."""
        return self.helm("test", RELEASE, "--logs", f"--timeout={SECONDS}s")

    def values(self) -> Values:
        """What was asked for beside the chart's defaults."""
        found: Values = json.loads(self.helm("get", "values", RELEASE, "--output=json"))
        return found

    def revision(self) -> int:
        """The number of the release as it is now."""
        return int(json.loads(self.helm("status", RELEASE, "--output=json"))["version"])

    def helm(self, *arguments: str, stdin: str = "") -> str:
        """Its output. Raises TroubleError with the end of what it wrote."""
        where = [f"--kubeconfig={self.system.kubeconfig}", f"--namespace={NAMESPACE}"]
        process = subprocess.run(
            [str(HELM.find()), *where, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            timeout=SECONDS + 60,
        )
        if process.returncode:
            last = "\n".join((process.stdout + process.stderr).splitlines()[-15:])
            raise TroubleError(f"helm {arguments[0]} failed:\n{last}")
        return process.stdout

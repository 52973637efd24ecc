"""Which etcd, kube-apiserver and so on the tests run: a pure decision over what this machine has.

The order: the folder that KUBEBUILDER_ASSETS names, else the cache, else a build from the public Go modules, else a
download of what kubebuilder's setup tool fetches. This module looks at nothing itself: `support.kube.provide` looks,
and acts on what is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

CONTROL_PLANE = frozenset({"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"})
NODE = CONTROL_PLANE | {"kube-proxy", "kube-scheduler", "kubelet", "remove-pods"}
DOWNLOADABLE = CONTROL_PLANE

# What a person runs to get the programs, for messages. Inside pytest nothing is built: a build takes minutes, its
# progress would be hidden, and a test's time limit would end it.
COMMAND = "python tests/support/kube_binaries.py"


class Way(StrEnum):
    """A way to get programs that are not there yet."""

    BUILD = "build"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Folder:
    """A place where programs may lie already.

    label: what a message calls it. path: None where nothing names such a folder. programs: the names found in it.
    """

    label: str
    path: Path | None
    programs: frozenset[str] = frozenset()

    def lacks(self, wanted: frozenset[str]) -> str:
        """Why this folder does not do, in words."""
        if self.path is None:
            return f"{self.label} is not set"
        if not self.programs:
            return f"nothing in {self.label} {self.path}"
        return f"no {', '.join(sorted(wanted - self.programs))} in {self.label} {self.path}"


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine has, and what was tried on it in vain.

    folders: in the order in which they count. go: path of the Go command. failures: way -> the reason it failed.
    """

    folders: tuple[Folder, ...]
    go: str | None = None
    failures: Mapping[Way, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """Run the programs in `folder`."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Obtain:
    """Get the programs by `way` first; `missing` says in one line why they are needed."""

    way: Way
    missing: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nothing works here; `reason` is one line that says what was looked at and tried."""

    reason: str


def decide(wanted: frozenset[str], machine: Machine) -> Use | Obtain | GiveUp:
    """The next step towards having all of `wanted` in one folder; programs of several folders are never mixed."""
    for folder in machine.folders:
        if folder.path is not None and wanted <= folder.programs:
            return Use(folder.path)
    reasons = [folder.lacks(wanted) for folder in machine.folders]
    line = "no Kubernetes programs for the tests: " + "; ".join(reasons)
    for way in Way:
        obstacle = machine.failures.get(way) or _obstacle(way, wanted, machine)
        if obstacle is None:
            return Obtain(way, line)
        line += f"; {way}: {obstacle}"
    return GiveUp(line)


def _obstacle(way: Way, wanted: frozenset[str], machine: Machine) -> str | None:
    if way is Way.BUILD:
        return None if machine.go else "there is no go command on PATH"
    beyond = wanted - DOWNLOADABLE
    return f"{', '.join(sorted(beyond))} cannot be had that way" if beyond else None

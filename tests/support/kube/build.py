"""Builds every Kubernetes program of the tests as one binary, from the public Go modules (`tests/cluster/kube`)."""

import re
from collections.abc import Callable
from pathlib import Path

from support.kube import go
from support.kube.binaries import NODE

SOURCE = Path(__file__).parents[2] / "cluster" / "kube"
BINARY = "kube"
VERSION = "k8s.io/component-base/version"


def build(folder: Path, report: Callable[[str], None]) -> None:
    """Puts the binary and a link for each program into `folder`.

    About 9 minutes of CPU time with empty Go caches, 10 s with full ones. Raises go.WayError.
    """
    report(f"building Kubernetes {kubernetes_version()} from its Go modules: about 5 minutes on 2 cores, once")
    flags = ["-tags=providerless", f"-ldflags={_linker_flags()}"]
    go.build(SOURCE, folder / BINARY, report, flags=flags)
    for program in NODE:
        (folder / program).symlink_to(BINARY)


def kubernetes_version() -> str:
    """The version that go.mod names, for example v1.34.4."""
    match = re.search(r"^\s*k8s\.io/kubernetes (v[\d.]+)$", (SOURCE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise go.WayError(f"{SOURCE / 'go.mod'} names no version of k8s.io/kubernetes")
    return match[1]


def _linker_flags() -> str:
    """With the version, because the server would call itself v0.0.0-master otherwise."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join([go.STRIPPED, *(f"-X {VERSION}.{name}={value}" for name, value in stamps.items())])

"""Helm for the tests of the chart: built from its public Go modules (`tests/cluster/helm`) and kept in the cache.

`python tests/support/kube/helm.py` builds it before the tests, since a first build takes minutes, and prints its path.
"""

import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

if __name__ == "__main__":  # a script, while the tests import it from there
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.kube import cache, go

SOURCE = Path(__file__).parents[2] / "cluster" / "helm"
PROGRAM = "helm.sh/helm/v3/cmd/helm"


class HelmMissingError(Exception):
    """There is no Helm and no way to build it; the message is one line."""


def find() -> Path:
    """The Helm that was built, else the one on PATH. Builds nothing. Raises HelmMissingError."""
    built, installed = _entry() / "helm", shutil.which("helm")
    if built.exists():
        return built
    if installed is None:
        command = "python tests/support/kube/helm.py"
        raise HelmMissingError(f"no Helm: nothing in cache {built.parent}; none on PATH; `{command}` builds it")
    return Path(installed)


def obtain(report: cache.Report) -> Path:
    """Helm, built where need be (2 minutes, with lines of progress). Raises HelmMissingError."""
    if shutil.which("go") is None:
        return find()
    with cache.locked(report):
        if not _entry().exists():
            try:
                cache.fill(_entry(), partial(_build, report=report))
            except go.WayError as failure:
                raise HelmMissingError(f"no Helm: {failure}") from None
    return find()


def _build(folder: Path, report: Callable[[str], None]) -> None:
    version = _version(r"helm\.sh/helm/v3 (v[\d.]+)")
    minor = _version(r"k8s\.io/client-go v0\.(\d+)\.")
    report(f"building Helm {version} from its Go modules: about 2 minutes, once")
    # What Helm's own Makefile stamps: without it, charts that ask for a version of Kubernetes are refused offline.
    stamps = {"internal/version.version": version} | {
        f"{package}.k8sVersion{part}": number
        for package in ("pkg/chartutil", "pkg/lint/rules")
        for part, number in (("Major", "1"), ("Minor", minor))
    }
    flags = " ".join([go.STRIPPED, *(f"-X helm.sh/helm/v3/{name}={value}" for name, value in stamps.items())])
    go.build(SOURCE, folder / "helm", report, packages=PROGRAM, flags=[f"-ldflags={flags}"])


def _version(pattern: str) -> str:
    """A version that go.mod names."""
    match = re.search(rf"^\s*{pattern}", (SOURCE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise go.WayError(f"nothing in {SOURCE / 'go.mod'} matches {pattern}")
    return match[1]


def _entry() -> Path:
    return cache.entry("helm", [Path(__file__), SOURCE / "go.mod", SOURCE / "go.sum"])


if __name__ == "__main__":
    try:
        print(obtain(report=lambda line: print(line, file=sys.stderr, flush=True)))
    except HelmMissingError as missing:
        sys.exit(f"error: {missing}")

"""`PYTHONPATH=tests python -m e2e.cluster up|down`: this tree on a cluster of this machine alone, as root.

up starts a node, or takes the one that runs, installs the chart with images of this tree, and prints the kubeconfig.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e import install
from e2e.kubectl import Kubectl, TroubleError
from e2e.node import programs, supervisor
from e2e.node.__main__ import EXPECTED
from e2e.node.layout import Layout
from e2e.node.requirements import require
from support.kube import cache, helm
from support.kube.binaries import NODE
from support.kube.provide import obtain


def directory() -> Path:
    """Where the node keeps its files."""
    return cache.root().parent / "cluster"


def kubeconfig() -> Path | None:
    """The kubeconfig of the node that runs, if one does."""
    layout = Layout(directory())
    return Path(layout.ready.read_text()) if supervisor.running(directory()) and layout.ready.exists() else None


def up(chart: Path) -> Path:
    """The kubeconfig of a cluster with this tree on it. Raises those of EXPECTED, TroubleError, HelmMissingError."""
    require()
    obtain(NODE, _report)
    basics = programs.obtain(_report)
    built, archives = install.archives(_report)
    found = kubeconfig()
    if found is None:
        _report("starting the node")
        found = supervisor.up(directory(), [*sorted(basics.glob("*.tar")), *archives])
    else:
        install.bring(Layout(directory()), archives)
    install.install(Kubectl(found), built, _report, chart)
    return found


@contextmanager
def outage() -> Iterator[None]:
    """A time without the API server. Raises TroubleError when it does not go, or does not come back."""
    found = kubeconfig()
    if found is None:
        raise TroubleError("no node runs")
    kubectl = Kubectl(found)
    supervisor.stop_api_server(directory())
    try:
        _until("end of the API server", lambda: not _answers(kubectl))
        yield
    finally:
        supervisor.start_api_server(directory())
        _until("API server", lambda: _answers(kubectl))


def _answers(kubectl: Kubectl) -> bool:
    try:
        kubectl.run("get", "--raw=/readyz", "--request-timeout=2s")
    except TroubleError:
        return False
    return True


def _until(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TroubleError(f"no {what} after {seconds:g} s")
        time.sleep(0.1)


def main() -> int:
    """Exit status 0, or 1 after one line (and perhaps the end of a log) that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m e2e.cluster", description=__doc__)
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("--chart", type=Path, default=install.CHART)
    arguments = parser.parse_args()
    try:
        if arguments.what == "up":
            print(up(arguments.chart))
        else:
            supervisor.down(directory())
    except (*EXPECTED, TroubleError, helm.HelmMissingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""`PYTHONPATH=tests python -m e2e.cluster up|down [--kind]`: this tree on a cluster of this machine alone.

up starts a cluster, or takes the one that runs, installs the chart with images of this tree, and prints the kubeconfig.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from e2e import bare, install, kind
from e2e.kubectl import Kubectl, TroubleError
from e2e.node.__main__ import EXPECTED
from e2e.node.requirements import UnfitError
from support.kube import cache
from support.kube.program import ProgramMissingError

TROUBLE = (*EXPECTED, TroubleError, ProgramMissingError)


def choose(report: cache.Report) -> ModuleType:
    """`bare` or `kind`, whichever this machine can have, with what lacks installed. Raises UnfitError in one line."""
    if kind.obstacle() is None and bare.obstacle() is not None:
        return kind
    try:
        bare.provide(report)
    except UnfitError as error:
        raise UnfitError(f"{error}; {kind.obstacle()}") from None
    return bare


def running() -> tuple[ModuleType, Path]:
    """The cluster that runs, and its kubeconfig. Raises TroubleError when none does."""
    for ground in (bare, kind):
        if (found := ground.kubeconfig()) is not None:
            return ground, found
    raise TroubleError("no cluster runs: `make cluster` or `make kind` starts one")


def up(ground: ModuleType, report: cache.Report, chart: Path = install.CHART) -> Path:
    """The kubeconfig of a cluster with this tree on it. Raises those of TROUBLE."""
    found, built = ground.up(report)
    install.install(found, built, report, chart)
    return Path(found)


@contextmanager
def outage() -> Iterator[None]:
    """A time without the API server. Raises TroubleError when it does not go, or does not come back."""
    ground, found = running()
    kubectl = Kubectl(found)
    ground.stop_api_server()
    try:
        _until("end of the API server", lambda: not _answers(kubectl))
        yield
    finally:
        ground.start_api_server()
        _until("API server", lambda: _answers(kubectl))


def on_node(*command: str) -> str:
    """What the command says, run on the node as root. Raises TroubleError."""
    return str(running()[0].on_node(*command))


def pod_log(pod: str, namespace: str, uid: str, container: str) -> str:
    """What a container has written, read without the API server. Raises TroubleError."""
    ground, _ = running()
    return str(ground.on_node("cat", str(ground.POD_LOGS / f"{namespace}_{pod}_{uid}" / container / "0.log")))


def _answers(kubectl: Kubectl) -> bool:
    try:
        kubectl.run("get", "--raw=/readyz", "--request-timeout=2s")
    except TroubleError:
        return False
    return True


def _until(what: str, ready: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TroubleError(f"no {what} after {seconds:g} s")
        time.sleep(0.1)


def main() -> int:
    """Exit status 0, or 1 after one line (and perhaps the end of a log) that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m e2e.cluster", description=__doc__)
    parser.add_argument("what", choices=["up", "down"])
    parser.add_argument("--kind", action="store_true", help="with Docker and kind, instead of as root without")
    parser.add_argument("--chart", type=Path, default=install.CHART)
    arguments = parser.parse_args()
    ground = kind if arguments.kind else bare
    try:
        if arguments.what == "up":
            if (reason := ground.obstacle()) is not None:
                raise UnfitError(reason)
            print(up(ground, _report, arguments.chart))
        else:
            ground.down()
    except TROUBLE as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

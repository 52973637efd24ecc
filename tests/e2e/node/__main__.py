"""`PYTHONPATH=tests python -m e2e.node up|down|serve`: this machine as a Kubernetes cluster of one node, as root.

up prints the kubeconfig; down leaves nothing behind. Images to import (archives of `images.build`) are arguments of up.
"""

import argparse
import sys
from pathlib import Path

from e2e.node import programs, supervisor
from e2e.node.images import ImageError
from e2e.node.requirements import UnfitError, require
from support.kube import cache
from support.kube.binaries import NODE
from support.kube.go import WayError
from support.kube.processes import ProgramError
from support.kube.provide import BinariesMissingError, obtain

EXPECTED = (BinariesMissingError, ImageError, ProgramError, UnfitError, WayError, supervisor.NodeError)


def main() -> int:
    """Exit status 0, or 1 after one line (and perhaps the end of a log) that says what is wrong."""
    arguments = _parser().parse_args()
    try:
        _act(arguments.what, arguments.directory.resolve(), arguments.archives)
    except EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _act(what: str, directory: Path, archives: list[Path]) -> None:
    if what == "down":
        supervisor.down(directory)
        return
    if what == "serve":
        supervisor.serve(directory, archives)
        return
    require()
    obtain(NODE, _report)
    images = programs.obtain(_report)
    print(supervisor.up(directory, [*sorted(images.glob("*.tar")), *archives]))


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.node", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "serve"])
    parser.add_argument("archives", nargs="*", type=Path)
    parser.add_argument("--directory", type=Path, default=cache.root().parent / "cluster")
    return parser


if __name__ == "__main__":
    sys.exit(main())

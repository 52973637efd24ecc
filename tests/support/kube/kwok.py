"""kwok, which plays the nodes of the tests of placement: built from its public Go module and kept in the cache.

`python tests/support/kube/kwok.py` builds it before the tests, since a first build takes minutes, and prints its path.
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

SOURCE = Path(__file__).parents[2] / "cluster" / "kwok"
PROGRAM = "sigs.k8s.io/kwok/cmd/kwok"
COMMAND = "python tests/support/kube/kwok.py"


class KwokMissingError(Exception):
    """There is no kwok and no way to build it; the message is one line."""


def find() -> Path:
    """The kwok that was built, else the one on PATH. Builds nothing. Raises KwokMissingError."""
    built, installed = _entry() / "kwok", shutil.which("kwok")
    if built.exists():
        return built
    if installed is None:
        raise KwokMissingError(f"no kwok: nothing in cache {built.parent}; none on PATH; `{COMMAND}` builds it")
    return Path(installed)


def obtain(report: cache.Report) -> Path:
    """kwok, built where need be, with lines of progress. Raises KwokMissingError."""
    if shutil.which("go") is None:
        return find()
    with cache.locked(report):
        if not _entry().exists():
            try:
                cache.fill(_entry(), partial(_build, report=report))
            except go.WayError as failure:
                raise KwokMissingError(f"no kwok: {failure}") from None
    return find()


def _build(folder: Path, report: Callable[[str], None]) -> None:
    match = re.search(r"sigs\.k8s\.io/kwok (v[\d.]+)", (SOURCE / "go.mod").read_text())
    if match is None:
        raise go.WayError(f"{SOURCE / 'go.mod'} names no version of kwok")
    report(f"building kwok {match[1]} from its Go modules: about 90 seconds on 2 cores, once")
    go.build(SOURCE, folder / "kwok", report, packages=PROGRAM, flags=[f"-ldflags={go.STRIPPED}"])


def _entry() -> Path:
    return cache.entry("kwok", [Path(__file__), SOURCE / "go.mod", SOURCE / "go.sum"])


if __name__ == "__main__":
    try:
        print(obtain(report=lambda line: print(line, file=sys.stderr, flush=True)))
    except KwokMissingError as missing:
        sys.exit(f"error: {missing}")

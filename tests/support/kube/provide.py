"""Finds the programs of `support.kube.binaries` on this machine, and builds or downloads them when asked to."""

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from support.kube import cache
from support.kube.binaries import COMMAND, CONTROL_PLANE, NODE, Folder, GiveUp, Machine, Obtain, Use, Way, decide
from support.kube.build import SOURCE, build
from support.kube.cache import Report
from support.kube.download import download
from support.kube.go import WayError


class BinariesMissingError(Exception):
    """The programs are not there; the message is one line that says what was tried and what to do."""


def find(wanted: frozenset[str] = CONTROL_PLANE) -> Path:
    """The folder with all of `wanted`, only from what is there already.

    Raises BinariesMissingError, naming the command that gets them.
    """
    step = decide(wanted, look())
    if isinstance(step, Use):
        return step.folder
    if isinstance(step, Obtain):
        raise BinariesMissingError(f"{step.missing}; get them once with: {COMMAND}")
    raise BinariesMissingError(step.reason)


def obtain(wanted: frozenset[str], report: Report) -> Path:
    """The folder with all of `wanted`, built or downloaded where need be (minutes, with lines of progress to `report`).

    Raises BinariesMissingError when no way is left.
    """
    step = decide(wanted, look())
    if isinstance(step, Use):
        return step.folder
    with cache.locked(report):
        return _obtain_locked(wanted, report)


def _obtain_locked(wanted: frozenset[str], report: Report) -> Path:
    machine = look()  # anew: another process may have made them meanwhile
    while True:
        step = decide(wanted, machine)
        if isinstance(step, Use):
            return step.folder
        if isinstance(step, GiveUp):
            raise BinariesMissingError(step.reason)
        try:
            _make(step.way, report)
            # A way that worked and still does not do is not tried again.
            outcome = "did not give all of them"
        except WayError as failure:
            report(f"{step.way} failed: {failure}")
            outcome = str(failure)
        machine = replace(look(), failures={**machine.failures, step.way: outcome})


def _make(way: Way, report: Report) -> None:
    make = {Way.BUILD: build, Way.DOWNLOAD: download}[way]
    cache.fill(_entry(way), partial(make, report=report))


def look() -> Machine:
    """What this machine has."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folders = [_folder("KUBEBUILDER_ASSETS", Path(assets) if assets else None)]
    folders += [_folder("cache", _entry(way)) for way in Way]
    return Machine(folders=tuple(folders), go=shutil.which("go"))


def _folder(label: str, path: Path | None) -> Folder:
    names = {name for name in NODE if path is not None and os.access(path / name, os.X_OK)}
    return Folder(label, path, frozenset(names))


def _entry(way: Way) -> Path:
    how = Path(__file__).with_name(f"{way}.py")
    return cache.entry(way, [how, *SOURCE.glob("*.go"), SOURCE / "go.mod", SOURCE / "go.sum"])

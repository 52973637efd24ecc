"""System packages of a node are installed where that can be done unattended; elsewhere one line says what to do."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.node import packages
from e2e.node.requirements import PROGRAMS, Machine, UnfitError

FIT = Machine(system="Linux", root=True, programs=frozenset(PROGRAMS), plugins=Path("/usr/lib/cni"))
BARE = replace(FIT, programs=FIT.programs - {"runc"})


class Apt:
    """Takes the place of the machine: what it has, and what is run on it."""

    def __init__(self, machine: Machine, *, there: bool = True, status: int = 0) -> None:
        self.machine, self.there, self.status = machine, there, status
        self.commands: list[tuple[str, ...]] = []

    def which(self, _: str) -> str | None:
        return "/usr/bin/apt-get" if self.there else None

    def run(self, command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        return subprocess.CompletedProcess(command, self.status, "E: no network\n", "")


def provide(monkeypatch: pytest.MonkeyPatch, apt: Apt) -> list[str]:
    monkeypatch.setattr(packages, "look", lambda: apt.machine)
    monkeypatch.setattr(packages.shutil, "which", apt.which)
    monkeypatch.setattr(packages.subprocess, "run", apt.run)
    lines: list[str] = []
    packages.provide(lines.append)
    return lines


def test_what_lacks_is_installed_without_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(BARE)
    assert provide(monkeypatch, apt) == ["installing runc"]
    assert apt.commands[-1][-4:] == ("install", "--yes", "--no-install-recommends", "runc")


def test_nothing_is_run_where_nothing_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt(FIT)
    assert provide(monkeypatch, apt) == []
    assert apt.commands == []


@pytest.mark.parametrize(
    ("apt", "reason"),
    [
        pytest.param(Apt(replace(BARE, root=False)), "needs root", id="not root"),
        pytest.param(Apt(BARE, there=False), "apt-get install --no-install-recommends runc", id="no apt"),
        pytest.param(Apt(BARE, status=100), "E: no network", id="apt fails"),
    ],
)
def test_where_that_cannot_be_done_it_says_why(monkeypatch: pytest.MonkeyPatch, apt: Apt, reason: str) -> None:
    with pytest.raises(UnfitError, match=reason):
        provide(monkeypatch, apt)

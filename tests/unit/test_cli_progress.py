"""What is shown of a Model that an answer waits for. On a terminal: test_cli_process.py."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from auriga_cli import console
from auriga_cli.progress import Nothing, Waiting, waiting
from auriga_cli.remote.report import read


def model(name: str, phase: str = "Ready", namespace: str = "default", **more: Any) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "phase": phase, **more}


def chain(role: str, *members: str, synonyms: tuple[str, ...] = ()) -> dict[str, Any]:
    named = [{"model": member} for member in members]
    return {"namespace": "default", "name": role, "role": role, "synonyms": synonyms, "members": named}


STATUS = {
    "models": [
        model("loads", "Loading", message="3 s so far"),
        model("comes", "Downloading", message="1 of 3 GiB", download={"percent": 30, "eta": "2m"}),
        model("rests", "ScaledToZero"),
        model("failed", "Failed", message="no weights"),
        model("ready"),
        model("loads", "Pending", "team", reason="Starting"),
    ],
    "roleChains": [chain("coding", "failed", "comes", "loads", synonyms=("helper",)), chain("ready-role", "ready")],
}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("loads", "loads: loading: 3 s so far"),
        ("team/loads", "loads: pending: Starting"),
        ("coding", "comes: downloading: 1 of 3 GiB, 2m left"),
        ("helper", "comes: downloading: 1 of 3 GiB, 2m left"),
        ("default/helper", "comes: downloading: 1 of 3 GiB, 2m left"),
        ("ready-role", ""),
        ("rests", ""),
        ("failed", ""),
        ("unknown", ""),
    ],
)
def test_the_first_that_is_on_its_way(name: str, shown: str) -> None:
    assert read(STATUS).coming(name) == shown


@pytest.mark.parametrize(
    ("terminal", "quiet", "kind"), [(False, False, Nothing), (True, True, Nothing), (True, False, Waiting)]
)
def test_only_where_a_person_looks_on(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, quiet: bool, kind: type[object]
) -> None:
    monkeypatch.setattr(console, "err", Console(file=StringIO(), force_terminal=terminal))
    assert type(waiting("http://127.0.0.1:1", "coding", quiet=quiet)) is kind

"""`auriga version` and `auriga crds`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from auriga_cli.commands.version import find
from support.command import auriga

ROOT = Path(__file__).parents[2]


def program(folder: Path, script: str) -> None:
    file = folder / "llama-server"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_version_as_json() -> None:
    ran = auriga("version", "-o", "json")
    told = json.loads(ran.out)
    assert ran.code == 0
    assert [engine["name"] for engine in told["engines"]] == ["llama-server", "xllamacpp", "llama-cpp-python"]
    assert {"auriga", "python", "platform"} < told.keys()


def test_version_as_text() -> None:
    ran = auriga("version", PATH="")
    assert ran.out.startswith("auriga ")
    assert "\n  llama-server: not installed\n" in ran.out
    assert auriga("--version", PATH="").out == ran.out


def test_a_binary_is_asked_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "echo 'version: 6500 (abcdef1)' >&2; echo 'built with cc' >&2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert find("llama-server") == ("llama-server", True, "6500 (abcdef1)", str(tmp_path / "llama-server"))


@pytest.mark.parametrize("script", ["exit 3", "echo hello", "printf '\\377'"])
def test_a_binary_that_does_not_say_is_still_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert find("llama-server")[1:3] == (True, "")


def test_crds_are_what_the_repository_holds() -> None:
    ran = auriga("crds")
    committed = [yaml.safe_load(file.read_text()) for file in sorted((ROOT / "crds").glob("*.yaml"))]
    assert ran.code == 0
    assert sorted(yaml.safe_load_all(ran.out), key=lambda crd: crd["metadata"]["name"]) == committed
    assert len(committed) == 2


def test_crds_into_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"
    ran = auriga("crds", "--output-dir", str(folder))
    assert (ran.code, ran.out) == (0, "")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        file.name: file.read_text() for file in (ROOT / "crds").glob("*.yaml")
    }


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = auriga("crds", "--output-dir", str(tmp_path / "file" / "crds"))
    assert ran.code == 3
    assert "Not a directory" in ran.err

"""The rules of the house that no linter knows: what the source roots may hold, and that they shadow nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = {"crds": "auriga_api", "operator": "auriga_operator", "router": "auriga_router", "cli": "auriga_cli"}


@pytest.mark.parametrize(("root", "package"), SOURCE_ROOTS.items())
def test_a_source_root_holds_one_package_and_no_code_of_its_own(root: str, package: str) -> None:
    entries = {entry.name for entry in (ROOT / root).iterdir() if entry.name != "__pycache__"}
    yaml = {name for name in entries if root == "crds" and name.endswith(".yaml")}
    assert entries - yaml == {package}


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_no_test_lies_in_a_source_root(root: str) -> None:
    assert not [*(ROOT / root).rglob("conftest.py"), *(ROOT / root).rglob("test_*.py")]


def test_tests_hold_no_folder_that_could_become_the_module_operator() -> None:
    assert not (ROOT / "tests" / "operator").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("how", [["-c"], ["-P", "-c"]], ids=["cwd on the path", "safe path"])
def test_the_folder_operator_does_not_shadow_the_standard_library(how: list[str]) -> None:
    """In a bare interpreter (-S: no site-packages), which has imported nothing yet that could hide the mistake."""
    code = "import operator, collections, sys; print(operator.itemgetter(1)('ab'), operator.__file__)"
    done = subprocess.run(
        [sys.executable, "-S", *how, code],
        cwd=ROOT,
        env={"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    value, file = done.stdout.split()
    assert value == "b"
    assert not Path(file).is_relative_to(ROOT)


def test_the_wheel_ships_exactly_the_packages_of_the_source_roots() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(packages) == sorted(f"{root}/{package}" for root, package in SOURCE_ROOTS.items())


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_locks_pin_with_hashes_and_name_no_index(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    assert any("--hash=sha256:" in line for line in lines)
    assert not [line for line in lines if "://" in line or line.startswith("-i") or "index-url" in line]
    unpinned = [line for line in lines if line and not line.startswith((" ", "#")) and "==" not in line]
    assert not unpinned


def test_engines_are_no_dependency_of_operator_or_router() -> None:
    """A pod of the operator or the router installs the base lock, and that holds no engine."""
    base = (ROOT / "requirements" / "base.txt").read_text()
    assert "xllamacpp" not in base
    assert "llama-cpp-python" not in base

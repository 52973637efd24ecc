"""The programs behind `make cluster` and `make e2e` can be started: they are run by hand, and by CI last of all."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_the_cluster_command_says_what_it_takes() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "e2e.cluster", "--help"],
        env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert "{up,down}" in said
    assert "--kind" in said


@pytest.mark.parametrize("name", ["__main__", "install", "release", "load"])
def test_what_the_scenarios_stand_on_finds_all_that_it_names(name: str) -> None:
    assert importlib.import_module(f"e2e.{name}").__doc__

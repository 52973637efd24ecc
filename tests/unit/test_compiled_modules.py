"""The list of what is compiled into the wheel names modules that there are."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_module_that_is_to_be_compiled_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
    assert [module for module in modules if not (ROOT / "router" / module).is_file()] == []
    assert modules == sorted(modules)

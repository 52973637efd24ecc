"""What the operator's benchmark writes into the documentation."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    """By its path: the benchmark is no package, and `publish` is the name of another's module too."""
    spec = importlib.util.spec_from_file_location("operator_publish", ROOT / "bench" / "operator" / "publish.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def figures(publish: ModuleType, **changed: float) -> dict[str, object]:
    found: dict[str, object] = dict.fromkeys((row.figure for row in publish.ROWS), 0.0)
    return found | {"date": "2026-11-21", "cores": 2, "models": 1000, "chains": 300} | changed


def test_what_is_not_reached_says_so(publish: ModuleType) -> None:
    text = publish.table(figures(publish, deployments_seconds=31.26, operator_peak_mb=149.6, restart_writes=3))
    assert "| every Deployment exists after | 31.3 s | <= 30 s, not reached |" in text
    assert "| operator memory at most | 150 MB | <= 150 MB |" in text
    assert "| restart with nothing changed: writes | 3 | <= 0, not reached |" in text
    assert "1000 Models and 300 RoleChains" in text


def test_only_what_stands_between_the_markers_is_replaced(publish: ModuleType) -> None:
    document = (ROOT / "docs" / "benchmarks.md").read_text()
    once = publish.placed(document, "first")
    assert publish.placed(once, "second") == publish.placed(document, "second")
    assert publish.placed(once, "x").startswith(document.partition(publish.BEGIN)[0])
    with pytest.raises(ValueError, match="lacks"):
        publish.placed("nothing", "x")

"""The benchmark of the router's own work runs on whatever the router is now; else it breaks unnoticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_every_scenario_gives_a_figure() -> None:
    command = [sys.executable, str(BENCH / "router_work.py"), "--rounds", "1", "--models", "3", "--endpoints", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    heading, *figures = done.stdout.splitlines()
    assert "3 Models x 2 endpoints" in heading
    assert [line.split()[0] for line in figures] == ["json", "vary", "large", "stream", "event"]
    assert all(float(line.split()[-2]) > 0 for line in figures)

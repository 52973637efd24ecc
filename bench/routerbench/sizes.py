"""What a request costs the router itself in a small and in a large world; see router_work.py."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from routerbench.programs import BENCH, python, python_path

WORLDS = ((10, 1), (10_000, 1), (1, 1), (1, 200))
"""Models, and endpoints of each."""
_LOADS = ("json", "vary", "event")
_FIGURE = re.compile(r"^(\w+) .* ([\d.]+) us$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Size:
    """Microseconds of own work: a small request, one of another conversation each time, an event of a stream."""

    models: int
    endpoints: int
    json: float
    vary: float
    event: float


def measured(modules: Path) -> tuple[Size, ...]:
    """Each world in turn, with the router in this folder."""
    return tuple(_measured(modules, models, endpoints) for models, endpoints in WORLDS)


def _measured(modules: Path, models: int, endpoints: int) -> Size:
    command = [python(), str(BENCH / "router_work.py"), "--only", *_LOADS]
    command += ["--models", str(models), "--endpoints", str(endpoints)]
    environment = {**os.environ, "PYTHONPATH": python_path(modules)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=environment)
    return Size(models, endpoints, *figures(done.stdout))


def figures(printed: str) -> Sequence[float]:
    """The figures in what router_work.py prints, in the order of its lines."""
    return [float(figure) for _, figure in _FIGURE.findall(printed)]


def table(sizes: Sequence[Size]) -> str:
    """As Markdown."""
    head = "| Models | endpoints of each | small JSON, us | varied, us | an event, us |\n|--:|--:|--:|--:|--:|"
    rows = [
        f"| {size.models:,} | {size.endpoints} | {size.json:.1f} | {size.vary:.1f} | {size.event:.2f} |"
        for size in sizes
    ]
    return "\n".join([head, *rows])

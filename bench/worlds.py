"""What a request costs among many Models, and many endpoints: `.venv/bin/python bench/worlds.py` (two minutes).

Auriga's compiled router alone, with sockets, as bench/router.py measures it. A router with one Model of one endpoint
takes turns with the others, so that a machine that grows slower is slower for all. Prints a table.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from routerbench import programs
from routerbench.arena import Arena, Cores
from routerbench.effort import Effort
from routerbench.measure import Run
from routerbench.peers import Launch, Peer, Site
from routerbench.processes import ending_on_signals
from routerbench.programs import BENCH, compiled_auriga, python, python_path
from routerbench.samples import Results
from routerbench.scenarios import JSON, VARY

WORLDS = ((1, 1), (10, 1), (10_000, 1), (1, 200))
"""Models, and endpoints of each."""
ENDPOINTS = max(endpoints for _, endpoints in WORLDS)
EFFORT = Effort(held_chunks=0, loads=(JSON, VARY))
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auriga" / "bench"


def peer(models: int, endpoints: int) -> Peer:
    """Auriga's router in a world of that size."""

    def launch(site: Site) -> Launch:
        program = str(BENCH / "routerbench" / "world.py")
        argv = (python(), program, str(models), str(endpoints), str(site.port), str(site.upstream))
        return Launch(argv, {"PYTHONPATH": python_path(site.program, BENCH)})

    return Peer(f"{models}x{endpoints}", compiled_auriga, lambda: "", launch)


def table(results: Results) -> str:
    """Microseconds of CPU for a request, and requests a second, as medians; and how they compare with the first."""
    lines = [
        "| Models | endpoints of each | load | CPU, us | requests a second | against one of each |",
        "| ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for load in EFFORT.loads:
        first = 0.0
        for models, endpoints in WORLDS:
            samples = [
                each
                for each in results.samples
                if (each.program, each.scenario) == (f"{models}x{endpoints}", load.name)
            ]
            rate = statistics.median(each.rate for each in samples)
            cpu = statistics.median(each.cpu for each in samples)
            first = first or cpu
            lines.append(
                f"| {models:,} | {endpoints} | {load.name} | {cpu:.1f} | {rate:,.0f} | {cpu / first - 1:+.0%} |"
            )
    return "\n".join(lines)


def main() -> int:
    programs.demand("gcc", "wrk")
    mock, load = (programs.compiled(BENCH / name / f"{name}.c", CACHE) for name in ("mock", "load"))
    compiled_auriga(CACHE)
    with (
        ending_on_signals(),
        tempfile.TemporaryDirectory(prefix="auriga-bench-") as name,
        Arena.opened(Cores(0, 1), Path(name), CACHE, mock, load, addresses=ENDPOINTS) as arena,
    ):
        run = Run(arena, EFFORT, programs.packaged("wrk"), lambda line: print(line, file=sys.stderr, flush=True))
        run.all_rounds([peer(*size) for size in WORLDS])
        print(table(run.results()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

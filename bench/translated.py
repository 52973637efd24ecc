"""What translated streams cost: `.venv/bin/python bench/translated.py` (a minute).

A caller asks in Anthropic's dialect, a model answers in OpenAI's: Auriga's router writes every event anew. Beside it
stands nginx, which passes the same streams through as they are. With sockets, as bench/router.py measures. Prints a
table.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

from routerbench import programs
from routerbench.arena import Arena, Cores
from routerbench.effort import Effort, rotated
from routerbench.figures import Figures
from routerbench.measure import Run
from routerbench.peers import PEERS
from routerbench.processes import ending_on_signals
from routerbench.programs import BENCH
from routerbench.samples import Results
from routerbench.scenarios import MESSAGES, STREAM
from routerbench.tables import times
from worlds import CACHE

YARDSTICK = "nginx"
LOADS = {YARDSTICK: STREAM, "auriga": MESSAGES, "auriga-pure": MESSAGES}


def table(results: Results) -> str:
    """Medians, and how slices of one turn compare with those of nginx."""
    lines = [
        "|  | streams a second | a CPU second | CPU of a chunk, us | a CPU second, against nginx |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    samples = tuple(dataclasses.replace(sample, scenario=STREAM.name) for sample in results.samples)
    figures = Figures(dataclasses.replace(results, samples=samples))  # all under one name, to be compared
    for name, load in LOADS.items():
        rate, cpu = (figures.spread(name, STREAM.name, metric).median for metric in ("rate", "cpu"))
        ratio = times(figures.ratio(name, YARDSTICK, STREAM.name, "per_cpu_second"))
        lines.append(f"| {name} | {rate:,.0f} | {1e6 / cpu:,.0f} | {cpu / (load.chunks + 1):.1f} | {ratio} |")
    return "\n".join(lines)


def main() -> int:
    programs.demand("gcc", "wrk", "nginx")
    mock, load = (programs.compiled(BENCH / name / f"{name}.c", CACHE) for name in ("mock", "load"))
    peers = [peer for peer in PEERS if peer.name in LOADS]
    for peer in peers:
        peer.install(CACHE)
    with (
        ending_on_signals(),
        tempfile.TemporaryDirectory(prefix="auriga-bench-") as name,
        Arena.opened(Cores(0, 1), Path(name), CACHE, mock, load) as arena,
    ):
        effort = Effort()
        run = Run(arena, effort, programs.packaged("wrk"), lambda line: print(line, file=sys.stderr))
        for number in range(effort.rounds):
            with run.started(rotated(peers, number)) as contestants:
                run.alternate([(contestant, LOADS[contestant.name]) for contestant in contestants], number)
        print(table(run.results()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What translated streams cost: `.venv/bin/python bench/translated.py` (a minute).

A caller asks in Anthropic's dialect, a model answers in OpenAI's: Auriga's router writes every event anew. Beside it
stands nginx, which passes the same streams through as they are. With sockets, as bench/router.py measures. Prints a
table.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from routerbench import programs
from routerbench.arena import Arena, Cores
from routerbench.measure import Effort, Run
from routerbench.peers import PEERS
from routerbench.processes import ending_on_signals
from routerbench.programs import BENCH
from routerbench.samples import Results
from routerbench.scenarios import MESSAGES, STREAM
from worlds import CACHE

ROUNDS = 3
LOADS = {"nginx": STREAM, "auriga": MESSAGES, "auriga-pure": MESSAGES}


def table(results: list[Results]) -> str:
    """Medians, and how they compare with nginx."""
    lines = [
        "|  | streams a second | a CPU second | CPU of a chunk, us | a CPU second, against nginx |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    samples = [sample for each in results for sample in each.samples if sample.program in LOADS]
    yardstick = 0.0
    for name, load in LOADS.items():
        own = [sample for sample in samples if sample.program == name]
        rate, cpu = (statistics.median(values) for values in zip(*((each.rate, each.cpu) for each in own), strict=True))
        yardstick = yardstick or cpu
        lines.append(
            f"| {name} | {rate:,.0f} | {1e6 / cpu:,.0f} | {cpu / (load.chunks + 1):.1f} | {yardstick / cpu:.2f}x |"
        )
    return "\n".join(lines)


def main() -> int:
    programs.demand("gcc", "wrk", "nginx")
    mock, load = (programs.compiled(BENCH / name / f"{name}.c", CACHE) for name in ("mock", "load"))
    peers = [peer for peer in PEERS if peer.name in LOADS]
    for peer in peers:
        peer.install(CACHE)
    results = []
    with (
        ending_on_signals(),
        tempfile.TemporaryDirectory(prefix="auriga-bench-") as name,
        Arena.opened(Cores(0, 1), Path(name), CACHE, mock, load) as arena,
    ):
        for number in range(ROUNDS):
            for peer in peers:
                effort = Effort(rounds=1, held_chunks=0, loads=(LOADS[peer.name],))
                run = Run(arena, effort, programs.packaged("wrk"), lambda line: print(line, file=sys.stderr))
                run.one(peer, number)
                results.append(run.results())
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

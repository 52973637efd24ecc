"""Measures Auriga's router beside nginx, vllm-router and LiteLLM: `.venv/bin/python bench/router.py [--quick]`.

Routers take turns on one core, in short slices; the load generator and the mock upstream have another. A whole run
(about 14 minutes on a quiet machine) writes docs/benchmarks.md and bench/results/router.json; a quick or a partial one
only prints. Any wrong byte in an answer ends the run.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import sys
import tempfile
from pathlib import Path

from routerbench import machine, programs, sizes
from routerbench.arena import Arena, Cores
from routerbench.client import WrongAnswerError
from routerbench.effort import QUICK, Effort
from routerbench.measure import Run
from routerbench.peers import PEERS, Peer
from routerbench.processes import ending_on_signals
from routerbench.programs import BENCH, UnavailableError
from routerbench.publish import Record, write
from routerbench.scenarios import SCENARIOS

DOCUMENT = BENCH.parent / "docs" / "benchmarks.md"
RESULTS = BENCH / "results" / "router.json"


def main() -> int:
    options = parse()
    chosen = [
        peer
        for peer in PEERS
        if (not options.only or peer.name in options.only) and peer.name not in (options.without or ())
    ]
    effort = QUICK if options.quick else Effort(options.rounds, options.turns, options.seconds)
    if options.loads:
        loads = tuple(load for load in SCENARIOS if load.name in options.loads)
        effort = dataclasses.replace(effort, loads=loads, held_chunks=0)
    if options.patience is not None:
        effort = dataclasses.replace(effort, patience=options.patience)
    try:
        with ending_on_signals():
            record = measure(chosen, effort, Cores(options.router_core, options.load_core), options.cache)
    except (UnavailableError, WrongAnswerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.loads:
        return 0
    print(record.markdown())
    if not (options.quick or options.only or options.no_publish):
        write(record, DOCUMENT, RESULTS)
        print(f"Wrote {DOCUMENT} and {RESULTS}")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="one round of three slices; about four minutes; only prints"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        choices=[peer.name for peer in PEERS],
        help="measure only these; only prints",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        metavar="NAME",
        choices=[peer.name for peer in PEERS],
        help="leave these out, litellm for instance, whose first installation takes minutes",
    )
    parser.add_argument(
        "--loads",
        nargs="+",
        metavar="LOAD",
        choices=[load.name for load in SCENARIOS],
        help="put only these loads on them; only prints a line for each",
    )
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds that a slice may wait for a quiet machine, and be repeated",
    )
    parser.add_argument("--rounds", type=int, default=Effort().rounds)
    parser.add_argument("--seconds", type=float, default=Effort().seconds, help="length of one slice")
    parser.add_argument("--turns", type=int, default=Effort().turns, help="slices of each program and load in a round")
    parser.add_argument(
        "--no-publish", action="store_true", help="print, but write neither the document nor the results"
    )
    parser.add_argument("--router-core", type=int, default=0)
    parser.add_argument("--load-core", type=int, default=1)
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--cache", type=Path, default=caches / "auriga" / "bench", help="where peers are installed")
    return parser.parse_args()


def measure(peers: list[Peer], effort: Effort, cores: Cores, cache: Path) -> Record:
    programs.demand("gcc", "wrk", *(peer.name for peer in peers if peer.name == "nginx"))
    mock = programs.compiled(BENCH / "mock" / "mock.c", cache)
    load = programs.compiled(BENCH / "load" / "load.c", cache)
    wrk = programs.packaged("wrk")
    for peer in peers:
        peer.install(cache)  # all of them before anything is measured
    with (
        tempfile.TemporaryDirectory(prefix="auriga-bench-") as name,
        Arena.opened(cores, Path(name), cache, mock, load) as arena,
    ):
        run = Run(arena, effort, wrk, lambda line: print(line, flush=True))
        run.all_rounds(peers)
        return Record(
            date=datetime.datetime.now(tz=datetime.UTC).date(),
            machine=machine.describe(),
            effort=effort,
            versions={peer.name: peer.version() for peer in peers},
            launches=run.launches,
            load_commands=list(run.commands()),
            results=run.results(),
            sizes=sizes.measured(peers[0].install(cache)) if effort.loads == SCENARIOS else (),
            places={name: "$RUN", str(cache): "$CACHE", sys.prefix: "$VENV", str(BENCH.parent): "$AURIGA"} | run.places,
        )


if __name__ == "__main__":
    raise SystemExit(main())

"""What a request costs among many Models, and many endpoints: `.venv/bin/python bench/worlds.py` (five minutes).

Auriga's compiled router in worlds of several sizes, beside nginx with one server and with many, with sockets, as
bench/router.py measures: by turns, in short slices. Prints a table.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from routerbench import peers, programs
from routerbench.arena import Arena, Cores
from routerbench.effort import Effort
from routerbench.figures import Figures
from routerbench.measure import Run
from routerbench.peers import Launch, Peer, Site
from routerbench.processes import ending_on_signals
from routerbench.programs import BENCH, compiled_auriga, python, python_path
from routerbench.samples import Results
from routerbench.scenarios import JSON, VARY

WORLDS = ((1, 1), (10, 1), (10_000, 1), (1, 200))
"""Models, and endpoints of each."""
SERVERS = (1, 200)
"""Of nginx."""
ADDRESSES = max(*SERVERS, *(endpoints for _, endpoints in WORLDS))
LOADS = (JSON, VARY)
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auriga" / "bench"


def world(models: int, endpoints: int) -> Peer:
    """Auriga's router in a world of that size."""

    def launch(site: Site) -> Launch:
        program = str(BENCH / "routerbench" / "world.py")
        argv = (python(), program, str(models), str(endpoints), str(site.port), str(site.upstream))
        return Launch(argv, {"PYTHONPATH": python_path(site.program, BENCH)})

    return Peer(f"auriga {models}x{endpoints}", compiled_auriga, lambda: "", launch)


def nginx(servers: int) -> Peer:
    """nginx that asks one of so many servers, by chance, as conversations do."""

    def launch(site: Site) -> Launch:
        one = f"server 127.0.0.1:{site.upstream};"
        many = " ".join(f"server 127.0.0.{number + 1}:{site.upstream};" for number in range(servers))
        plain = peers.NGINX_CONFIGURATION.format(port=site.port, upstream=site.upstream)
        file = site.folder / "nginx.conf"
        file.write_text(plain.replace(one, f"random; {many}" if servers > 1 else one))
        return Launch((str(site.program), "-p", str(site.folder), "-e", "stderr", "-c", str(file)))

    return Peer(f"nginx {servers}", lambda _cache: programs.packaged("nginx"), lambda: "", launch)


def table(results: Results) -> str:
    """Microseconds of CPU for a request: least, quartile and median of the slices; and slices of one turn compared."""
    lines = [
        "|  | load | least, us | quartile | median | against one, in the same turn: median (quartiles) |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    figures = Figures(results)
    groups = ([world(*size).name for size in WORLDS], [nginx(count).name for count in SERVERS])
    for load in LOADS:
        for first, name in ((group[0], name) for group in groups for name in group):
            least = min(each.cpu for each in results.samples if (each.program, each.scenario) == (name, load.name))
            cpu, ratio = figures.spread(name, load.name, "cpu"), figures.ratio(name, first, load.name, "cpu")
            against = f"{ratio.median - 1:+.0%} ({ratio.low - 1:+.0%} to {ratio.high - 1:+.0%})"
            lines.append(f"| {name} | {load.name} | {least:.1f} | {cpu.low:.1f} | {cpu.median:.1f} | {against} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=24, help="slices of each program and load")
    turns = parser.parse_args().turns
    effort = Effort(rounds=1, turns=turns, patience=0.0, held_chunks=0, loads=LOADS)  # many slices instead of patience
    programs.demand("gcc", "nginx", "wrk")
    mock, load = (programs.compiled(BENCH / name / f"{name}.c", CACHE) for name in ("mock", "load"))
    compiled_auriga(CACHE)
    with (
        ending_on_signals(),
        tempfile.TemporaryDirectory(prefix="auriga-bench-") as name,
        Arena.opened(Cores(0, 1), Path(name), CACHE, mock, load, addresses=ADDRESSES) as arena,
    ):
        run = Run(arena, effort, programs.packaged("wrk"), lambda line: print(line, file=sys.stderr, flush=True))
        with run.started([*(world(*size) for size in WORLDS), *map(nginx, SERVERS)]) as contestants:
            for scenario in LOADS:
                run.alternate([(contestant, scenario) for contestant in contestants], 0)
        print(table(run.results()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Draws what an end-to-end scenario recorded: `.venv/bin/python bench/timeline.py TIMELINE.json PICTURE.svg`.

`AURIGA_TIMELINE=TIMELINE.json PYTHONPATH=tests .venv/bin/python -m e2e tests/e2e/scaled_from_zero` records one. Drawn
by matplotlib, which is installed for it once, at a locked version, in an environment of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from routerbench.programs import UnavailableError, python_program

CACHE = Path.home() / ".cache" / "auriga" / "bench"


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import matplotlib  # noqa: F401, PLC0415 - only in the environment that is made here
    except ImportError:
        return _in_its_environment()
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
    return 0


def _in_its_environment() -> int:
    try:
        python = python_program("matplotlib", CACHE).with_name("python")
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return subprocess.call([str(python), *sys.argv])


def draw(told: dict[str, Any], picture: Path) -> None:
    """Requests that are open above, replicas below, over the same seconds."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib import pyplot  # noqa: PLC0415

    # The same timeline is the same file, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "auriga", "svg.fonttype": "none", "font.size": 9})
    _, (above, below) = pyplot.subplots(2, sharex=True, figsize=(9, 4.6), layout="constrained")
    above.step(*open_requests(told), where="post", color="tab:blue", linewidth=0.8)
    above.set_ylabel("requests that wait\nor are answered")
    for name, label, style in (
        ("replicas", "asked of the Deployment", {"color": "tab:orange", "linewidth": 2.5}),
        ("ready", "ready", {"color": "tab:green", "linewidth": 1.2}),
    ):
        moments = [(at, int(value or 0)) for at, value in told[name]]
        below.step(*zip(*moments, strict=True), where="post", label=label, **style)
    below.set_ylabel("replicas")
    below.set_xlabel("seconds")
    below.set_yticks(range(4))
    below.legend(loc="lower center")
    pyplot.savefig(picture, metadata={"Date": None})


def open_requests(told: dict[str, Any]) -> tuple[list[float], list[int]]:
    """Times, and how many requests were sent and not done from then on."""
    begin, requests = told["begin"], told["requests"]
    changes = [(each[when] - begin, step) for each in requests for when, step in (("sent", 1), ("done", -1))]
    times, counts, there = [0.0], [0], 0
    for at, step in sorted(changes):
        there += step
        times.append(at)
        counts.append(there)
    return times, counts


if __name__ == "__main__":
    sys.exit(main())

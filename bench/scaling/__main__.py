"""Replays loads through Auriga's decision and KubeAI's: `.venv/bin/python bench/scaling` (a minute).

Simulated replicas, the same for both: 4 slots each, 20 seconds to start, 0 to 8 of them, 4 requests aimed at for each.
What is compared is the decision alone; no cluster, no sockets. Prints a table, and writes it into docs/autoscaling.md.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from auriga import Auriga
from kubeai import KubeAI
from loads import Trace, traces
from replicas import Outcome, Scaler, replay

DOCUMENT = Path(__file__).parents[2] / "docs" / "autoscaling.md"
BEGIN, END = "<!-- begin: written by bench/scaling, do not edit -->", "<!-- end -->"
SEED = 1
SLOTS = TARGET = 4
START_SECONDS = 20.0
MINIMUM, MAXIMUM = 0, 8
HEAD = (
    "| load | | requests | waited, s: p50 | p95 | longest | 8 replicas wanted after, s | replica minutes | changes |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def scalers() -> dict[str, Scaler]:
    """Each with nothing behind it."""
    return {
        "Auriga, idle 60 s": Auriga(MINIMUM, MAXIMUM, TARGET, idle="60s"),
        "Auriga, idle 15 min": Auriga(MINIMUM, MAXIMUM, TARGET, idle="15m"),
        "KubeAI": KubeAI(MINIMUM, MAXIMUM, TARGET),
    }


def row(trace: Trace, name: str, outcome: Outcome) -> str:
    """One line of the table."""
    waited = outcome.waited
    p50, p95 = (statistics.quantiles(waited, n=100)[rank - 1] for rank in (50, 95))
    first = trace.arrivals[0].at
    most = next((f"{at - first:.0f}" for at, _, wanted, _ in outcome.timeline if wanted >= MAXIMUM), "never")
    return (
        f"| {trace.title} | {name} | {len(waited):,} of {len(trace.arrivals):,} "
        f"| {p50:.1f} | {p95:.1f} | {max(waited):.1f} "
        f"| {most} | {outcome.paid / 60:.0f} | {outcome.changes} |"
    )


def main() -> int:
    lines = [*HEAD]
    for trace in traces(SEED):
        for name, scaler in scalers().items():
            print(f"{trace.name}: {name} ...", file=sys.stderr, flush=True)
            lines.append(row(trace, name, replay(trace, scaler, slots=SLOTS, start_seconds=START_SECONDS)))
    table = "\n".join(lines)
    print(table)
    if DOCUMENT.exists() and BEGIN in (text := DOCUMENT.read_text()):
        before, _, rest = text.partition(BEGIN)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}")
        print(f"Wrote {DOCUMENT}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

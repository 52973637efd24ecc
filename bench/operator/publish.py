"""Writes what was found: the figures as JSON, and a table into docs/benchmarks.md between two markers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BEGIN = "<!-- begin: written by bench/operator, do not edit -->"
END = "<!-- end: written by bench/operator -->"
Figures = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``most``: what is to be reached."""

    name: str
    figure: str
    unit: str = ""
    digits: int = 1
    most: float | None = None


ROWS = (
    Row("all created by 16 clients in", "create_seconds", "s"),
    Row("every Deployment exists after", "deployments_seconds", "s", most=30),
    Row("every Model's status is about its spec after", "models_true_seconds", "s", most=30),
    Row("every RoleChain's too after", "chains_true_seconds", "s", most=30),
    Row("every status has heard of its pods after", "pods_counted_seconds", "s"),
    Row("operator CPU for all that", "operator_cpu_seconds", "s"),
    Row("operator memory at most", "operator_peak_mb", "MB", digits=0, most=150),
    Row("writes for each Model", "writes_per_model", digits=2, most=5),
    Row("writes that the API server refused", "refused", digits=0, most=0),
    Row("restart with nothing changed: writes", "restart_writes", digits=0, most=0),
    Row("restart: operator CPU", "restart_cpu_seconds", "s"),
    Row("a minute of nothing: writes", "idle_writes", digits=0, most=0),
    Row("a minute of nothing: share of a core", "idle_cores", digits=4, most=0.01),
    Row("one create -> its child, p50", "create_to_child_p50_ms", "ms", most=20),
    Row("one create -> its status, p50", "create_to_status_p50_ms", "ms", most=20),
    Row("one edit -> its child changed, p50", "edit_to_child_p50_ms", "ms", most=20),
    Row("processor time that others on the machine took meanwhile", "others_percent", "%", digits=0),
)


def table(figures: Figures) -> str:
    """The figures as Markdown; what is not reached says so."""
    heading = (
        f"Measured {figures['date']} on {figures['cores']} cores, with etcd, kube-apiserver, kube-controller-manager "
        f"and the clients beside the operator: {figures['models']} Models and {figures['chains']} RoleChains.\n"
    )
    lines = ["| what | measured | to reach |", "|---|---|---|", *(_line(row, figures) for row in ROWS)]
    return "\n".join([heading, *lines])


def _line(row: Row, figures: Figures) -> str:
    value = float(str(figures[row.figure]))
    goal = "" if row.most is None else f"<= {row.most:g}{' ' + row.unit if row.unit else ''}"
    missed = row.most is not None and round(value, row.digits) > row.most
    measured = f"{value:.{row.digits}f} {row.unit}".strip()
    return f"| {row.name} | {measured} | {goal}{', not reached' if missed else ''} |"


def placed(document: str, text: str) -> str:
    """``document`` with ``text`` between the markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def write(figures: Figures, document: Path, results: Path) -> None:
    """Both files."""
    document.write_text(placed(document.read_text(), table(figures)))
    results.write_text(json.dumps(figures, indent=2) + "\n")

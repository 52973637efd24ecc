"""The results as Markdown tables. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from routerbench.figures import Figures, Spread
from routerbench.samples import DIRECT, Metric
from routerbench.scenarios import FIXED_RATE, JSON, LARGE, ONE_JSON, ONE_STREAM, PACED, STREAM, VARY, Scenario

HELD = 0.97
"""The share of a fixed rate that must be reached, else its latency says nothing."""
SUBJECT = "auriga"
PURE = "auriga-pure"
YARDSTICK = "nginx"
WHOLE: tuple[Metric, ...] = ("p50", "p99")
FIRST: tuple[Metric, ...] = ("first_p50", "first_p99")


def all_tables(figures: Figures) -> str:
    programs = figures.programs()
    routers = [program for program in programs if program != DIRECT]
    parts = [
        ("Requests that are answered whole", requests(figures, programs)),
        ("Streams of 64 chunks", streams(figures, programs)),
        ("Added latency, milliseconds", latency(figures, routers)),
        ("Memory, MiB", memory(figures, routers)),
        ("Auriga against the others", comparison(figures, routers, SUBJECT)),
        ("Auriga interpreted, not compiled, against the others", comparison(figures, routers, PURE)),
        ("Checks of the measurement", checks(figures, programs)),
    ]
    return "\n\n".join(f"### {title}\n\n{table}" for title, table in parts if table)


def requests(figures: Figures, programs: Sequence[str]) -> str:
    head = [
        "",
        "small JSON, a second",
        "a CPU second",
        "CPU, us",
        "p50 / p99, ms",
        "varied, a second",
        "100 KB, a second",
    ]
    rows = [
        [
            program,
            count(figures.spread(program, JSON.name, "rate")),
            "-" if program == DIRECT else _thousands(figures.spread(program, JSON.name, "per_cpu_second").median),
            "-" if program == DIRECT else f"{figures.spread(program, JSON.name, 'cpu').median:.1f}",
            _percentiles(figures, program, JSON),
            count(figures.spread(program, VARY.name, "rate")),
            count(figures.spread(program, LARGE.name, "rate")),
        ]
        for program in programs
    ]
    return table(head, rows)


def streams(figures: Figures, programs: Sequence[str]) -> str:
    head = ["", "streams a second", "chunks a second", "streams a CPU second", "core used", "p50 / p99, ms"]
    head += ["CPU of a chunk, us", "the same at one each 10 ms"]
    rows = []
    for program in programs:
        rate = figures.spread(program, STREAM.name, "rate")
        row = [program, count(rate), _thousands(rate.median * STREAM.chunks)]
        if program == DIRECT:
            row += ["-", "-", _percentiles(figures, program, STREAM), "-", "-"]
        else:
            row += [
                _thousands(figures.spread(program, STREAM.name, "per_cpu_second").median),
                f"{figures.spread(program, STREAM.name, 'busy').median:.0%}",
                _percentiles(figures, program, STREAM),
                f"{figures.spread(program, STREAM.name, 'cpu').median / STREAM.chunks:.1f}",
                f"{figures.spread(program, PACED.name, 'cpu').median / PACED.chunks:.1f}",
            ]
        rows.append(row)
    return table(head, rows)


def latency(figures: Figures, routers: Sequence[str]) -> str:
    head = [
        "",
        "1 connection, p50",
        "p99",
        "first byte of a stream, p50",
        "p99",
        "32 connections, 2,000 a second, p50",
        "p99",
    ]
    over_direct = [(program, _over(figures, program, DIRECT)) for program in routers]
    subjects = [program for program in routers if program in (SUBJECT, PURE)] if YARDSTICK in routers else []
    over_yardstick = [(f"{program} over {YARDSTICK}", _over(figures, program, YARDSTICK)) for program in subjects]
    return table(head, [[title, *cells] for title, cells in (*over_direct, *over_yardstick)])


def _over(figures: Figures, program: str, other: str) -> list[str]:
    """Cells of the table of latency: the program's less the other's."""
    cells = [milliseconds(figures.over(program, other, ONE_JSON.name, metric)) for metric in WHOLE]
    cells += [milliseconds(figures.over(program, other, ONE_STREAM.name, metric)) for metric in FIRST]
    if not all(_holds_rate(figures, each) for each in (program, other)):
        return [*cells, "does not hold the rate", "-"]
    return cells + [milliseconds(figures.over(program, other, FIXED_RATE.name, metric)) for metric in WHOLE]


def _holds_rate(figures: Figures, program: str) -> bool:
    return figures.spread(program, FIXED_RATE.name, "rate").median >= HELD * FIXED_RATE.rate


def memory(figures: Figures, routers: Sequence[str]) -> str:
    head = ["", "idle", "more for 1,000 open streams", "after all loads"]
    rows = [
        [
            program,
            whole(figures.memory(program, "idle")),
            tenths(figures.memory(program, "per_thousand")),
            whole(figures.memory(program, "after")),
        ]
        for program in routers
    ]
    return table(head, rows)


def comparison(figures: Figures, routers: Sequence[str], subject: str) -> str:
    """Times the others' figure; over 1 the subject is ahead. Empty when there is nothing to compare."""
    others = [program for program in routers if program not in (SUBJECT, PURE)]
    if subject not in routers or not others:
        return ""
    lines: list[tuple[str, Scenario, Metric]] = [
        ("small JSON, a second", JSON, "rate"),
        ("small JSON, a CPU second", JSON, "per_cpu_second"),
        ("varied, a second", VARY, "rate"),
        ("100 KB prompts, a second", LARGE, "rate"),
        ("streams, a second", STREAM, "rate"),
        ("streams, a CPU second", STREAM, "per_cpu_second"),
        ("streams at a chunk each 10 ms, a CPU second", PACED, "per_cpu_second"),
    ]
    rows = [
        [title, *(times(figures.ratio(subject, other, scenario.name, metric)) for other in others)]
        for title, scenario, metric in lines
    ]
    return table(["", *(f"x {other}" for other in others)], rows)


def checks(figures: Figures, programs: Sequence[str]) -> str:
    head = ["", "small JSON by wrk, a second", "most that others used of the router's core", "of the load's core"]
    head += ["slices left out", "connections opened anew"]
    rows = [
        [
            program,
            _thousands(figures.wrk(program).median),
            "-" if program == DIRECT else f"{figures.worst(program, 'foreign'):.0%}",
            f"{figures.worst(program, 'foreign_load'):.0%}",
            str(figures.left_out(program)),
            f"{figures.worst(program, 'reconnects'):.0f}",
        ]
        for program in programs
    ]
    return table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: names to the left, figures to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def count(spread: Spread) -> str:
    """`35,700 (34,900-36,100)`; small figures keep a decimal."""
    return f"{_thousands(spread.median)} ({_thousands(spread.low)}-{_thousands(spread.high)})"


def milliseconds(spread: Spread) -> str:
    return f"{spread.median:.3f} ({spread.low:.3f} to {spread.high:.3f})"


def times(spread: Spread) -> str:
    digits = 2 if spread.median < 10 else 0
    return f"{spread.median:.{digits}f}x ({spread.low:.{digits}f}-{spread.high:.{digits}f})"


def whole(spread: Spread) -> str:
    return f"{spread.median:.0f}"


def tenths(spread: Spread) -> str:
    return f"{spread.median:.1f} ({spread.low:.1f}-{spread.high:.1f})"


def _thousands(value: float) -> str:
    """Three significant digits: more would be noise."""
    if value < 100:
        return f"{value:.1f}"
    step = 10 ** (len(str(round(value))) - 3)
    return f"{round(value / step) * step:,}"


def _percentiles(figures: Figures, program: str, scenario: Scenario) -> str:
    p50, p99 = (figures.spread(program, scenario.name, metric).median for metric in ("p50", "p99"))
    return f"{p50:.2f} / {p99:.2f}"

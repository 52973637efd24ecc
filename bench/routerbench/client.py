"""Runs the load generators, bench/load/load.c and wrk, and reads what they print."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from routerbench.processes import pinned
from routerbench.scenarios import CHAT, Scenario

PATIENCE = 60.0
"""Seconds that a generator may take longer than its load."""


class WrongAnswerError(Exception):
    """A program answered anything but the expected bytes, or did not answer."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A file with the one right body, or (`pieces`) with the texts that a right body holds, one a line."""

    file: Path
    pieces: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What one load gave: right answers within its seconds and in all, milliseconds, CPU seconds of the generator."""

    completed: int
    total: int
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    reconnects: int
    cpu_seconds: float


class Load:
    """bench/load/load.c as one command, pinned to `core`."""

    def __init__(self, program: Path, core: int, folder: Path) -> None:
        self._program = program
        self._core = core
        self._folder = folder

    def command(
        self, port: int, scenario: Scenario, expected: Expectation, seconds: float, warmup: float = 0.0
    ) -> list[str]:
        bodies = self._folder / f"{scenario.name}.bodies"
        if not bodies.exists():
            bodies.write_text("".join(f"{body}\n" for body in scenario.bodies))
        options = [
            "--port",
            str(port),
            "--bodies",
            str(bodies),
            "--expect",
            str(expected.file),
            "--seconds",
            f"{seconds:g}",
        ]
        options += ["--connections", str(scenario.connections), *(["--pieces"] if expected.pieces else [])]
        options += ["--warmup", f"{warmup:g}"] if warmup else []
        options += ["--rate", f"{scenario.rate:g}"] if scenario.rate else []
        options += ["--path", scenario.path] if scenario.path != CHAT else []
        return pinned([str(self._program), *options], self._core)

    def run(self, port: int, scenario: Scenario, expected: Expectation, seconds: float, warmup: float) -> Answers:
        command = self.command(port, scenario, expected, seconds, warmup)
        limit = warmup + seconds + PATIENCE
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit)
        return answers(done.stdout)

    @contextlib.contextmanager
    def held_open(self, port: int, scenario: Scenario, expected: Expectation) -> Iterator[None]:
        """All streams of the scenario are open inside the block, which ends when all were read to their end."""
        command = self.command(port, scenario, expected, PATIENCE)
        command += ["--requests", str(scenario.connections), "--announce"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                _await_open(process.stdout)
                yield
                rest, _ = process.communicate(timeout=2 * PATIENCE)
            finally:
                process.kill()
        found = answers(rest)
        if found.total != scenario.connections:
            raise WrongAnswerError(f"{found.total} of {scenario.connections} streams were complete")


def answers(printed: str) -> Answers:
    """Reads what load.c prints. Errors that it saw are raised, with a sample of what came instead."""
    value = json.loads(printed)
    errors = {kind: count for kind, count in value["errors"].items() if count}
    if errors or not value["total"]:
        raise WrongAnswerError(
            f"{value['total']} right answers, errors {errors}, the first wrong one: {value['sample'][:300]!r}"
        )
    latency, first = value["latency"], value["firstByte"]
    return Answers(
        completed=value["completed"], total=value["total"], p50=latency["p50"] / 1000, p99=latency["p99"] / 1000,
        first_p50=first["p50"] / 1000, first_p99=first["p99"] / 1000,
        reconnects=value["reconnects"], cpu_seconds=value["cpuSeconds"],
    )  # fmt: skip


def wrk(program: Path, port: int, core: int, script: Path, seconds: int) -> float:
    """Requests a second by wrk, an independent check of the figure of load.c."""
    load = [str(program), "-t1", "-c32", f"-d{seconds}s", "-s", str(script)]
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    done = subprocess.run(
        pinned([*load, url], core), capture_output=True, text=True, check=True, timeout=seconds + PATIENCE
    )
    return wrk_rate(done.stdout)


def wrk_rate(printed: str) -> float:
    wrong = re.search(r"(Socket errors|Non-2xx).*", printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    if wrong or not rate:
        raise WrongAnswerError(f"wrk: {wrong[0] if wrong else printed}")
    return float(rate[1])


def wrk_script(bodies: Sequence[str]) -> str:
    """A Lua script for wrk that posts the first body. The brackets hold any JSON without escapes."""
    return (
        f'wrk.method = "POST"\nwrk.body = [==[{bodies[0]}]==]\nwrk.headers["Content-Type"] = "application/json"\n'
        'wrk.headers["Authorization"] = "Bearer none"\n'
    )


def _await_open(stdout: IO[str]) -> None:
    line = stdout.readline()
    if line.strip() != "open":
        answers(line)
        raise WrongAnswerError(f"the streams ended before all of them were open: {line}")

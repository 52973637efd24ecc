"""The processes of the router benchmark: halted and awake, ended, and what they used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))  # the benchmark is no package of the wheel

from routerbench import processes, procfs


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with processes.running(["sleep", "600"], {}, tmp_path / "log") as process:
        yield process


def state(process: subprocess.Popen[bytes], change: int) -> int:
    """Waits for this change of it."""
    return os.waitpid(process.pid, change)[1]


def test_a_halted_program_goes_on_for_a_while(sleeper: subprocess.Popen[bytes]) -> None:
    processes.halt(sleeper.pid)
    assert os.WIFSTOPPED(state(sleeper, os.WUNTRACED))
    with processes.awake(sleeper.pid):
        assert os.WIFCONTINUED(state(sleeper, os.WCONTINUED))
    assert os.WIFSTOPPED(state(sleeper, os.WUNTRACED))


def test_a_halted_program_can_end_itself(sleeper: subprocess.Popen[bytes]) -> None:
    processes.halt(sleeper.pid)
    assert os.WIFSTOPPED(state(sleeper, os.WUNTRACED))
    processes.end(sleeper)
    assert sleeper.returncode == -signal.SIGTERM


def test_cpu_time_is_told_by_the_clock() -> None:
    before = time.process_time()
    between = procfs.cpu_seconds(os.getpid())
    assert (
        before <= between <= time.process_time() + sum(procfs.cpu_seconds(pid) for pid in procfs.tree(os.getpid())[1:])
    )


def test_a_core_is_idle_for_no_longer_than_time_passes() -> None:
    core = min(os.sched_getaffinity(0))
    assert 0 < procfs.idle_seconds(core) <= time.clock_gettime(time.CLOCK_BOOTTIME)

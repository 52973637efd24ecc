"""The operator as a process of its own, and what it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")


class Operator:
    """``python -m auriga_operator`` for one control plane; ``with`` starts it and stops it."""

    def __init__(self, kubeconfig: Path, log: Path, *arguments: str) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self._arguments = ["--probe-port", "0", "--log-level", "warning", *arguments]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "auriga_operator", *self._arguments],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return _cpu_seconds(self.pid)

    @property
    def peak_megabytes(self) -> float:
        """The most resident memory so far."""
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid


def processor_seconds(ours: Sequence[int]) -> tuple[float, float]:
    """Processor time so far: of everything on this machine, and of those processes."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle, waiting = fields[3:5]
    return (sum(fields[:8]) - idle - waiting) / _TICKS, sum(map(_cpu_seconds, ours))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS

"""Readings of /proc: CPU time and memory of a process tree, how busy a core was. Knows nothing of the benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Seconds since boot: not idle (all processes, interrupts, time stolen by the hypervisor), and stolen alone."""

    busy: float
    stolen: float


def core_time(core: int) -> CoreTime:
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in line.split()[1:9])
    return CoreTime((user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND, steal / TICKS_PER_SECOND)


def tree(pid: int) -> list[int]:
    """A process and all that descend from it; those that ended meanwhile are left out."""
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        try:
            threads = list(Path(f"/proc/{current}/task").iterdir())
            waiting += [int(child) for thread in threads for child in (thread / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append(current)
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree, in seconds."""
    return sum(_cpu_ticks(member) for member in tree(pid)) / TICKS_PER_SECOND


def resident_mib(pid: int) -> float:
    """Resident memory of the tree in MiB; pages that two of its processes share count once for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in tree(pid)) * page / MIB


def _cpu_ticks(pid: int) -> int:
    # The name, in parentheses, may hold blanks: count the fields after it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

"""Readings of /proc: CPU time and memory of a process tree, how busy a core was. Knows nothing of the benchmark."""

from __future__ import annotations

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


def idle_seconds(core: int) -> float:
    """How long a core was idle since boot: what remains was used by processes, interrupts or the hypervisor.

    Linux keeps this by the clock where it counts the others (user, system, ...) by samples, a few hundred a second:
    too few for a measurement of half a second.
    """
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    _user, _nice, _system, idle, waiting = (int(field) for field in line.split()[1:6])
    return (idle + waiting) / TICKS_PER_SECOND


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
    return sum(_cpu_clock(member) for member in tree(pid))


def resident_mib(pid: int) -> float:
    """Resident memory of the tree in MiB; pages that two of its processes share count once for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in tree(pid)) * page / MIB


def _cpu_clock(pid: int) -> float:
    # The id that clock_getcpuclockid(3) gives, which Python lacks: /proc/PID/stat has only hundredths of a second.
    return time.clock_gettime(~pid << 3 | 2)

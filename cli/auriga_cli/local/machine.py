"""Reads this machine's figures: its memory, what a process has done. Decides nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auriga_cli.local.state import Memory

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Activity:
    """What a process has done since it began. Only ever grows."""

    cpu: float
    """Seconds of CPU time."""
    touched: int
    """Bytes read from files, or brought into its memory from a mapped file."""


def memory(limit: int | None = None) -> Memory | None:
    """What there is and what is available, under a container's limit and under ``limit``; None if unknown."""
    found = _smaller(_system(), _container(_CGROUP))
    if limit is None:
        return found
    return _smaller(found, Memory(limit, limit)) if found else Memory(limit, limit)


def _smaller(one: Memory | None, other: Memory | None) -> Memory | None:
    if one is None or other is None:
        return one or other
    return Memory(min(one.total, other.total), min(one.available, other.available))


def _system() -> Memory | None:
    try:
        return parse_meminfo((_PROC / "meminfo").read_text())
    except OSError:
        pass
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return Memory(total, total)


def parse_meminfo(text: str) -> Memory:
    """Linux's /proc/meminfo, whose figures are in KiB."""
    figures = {
        name: int(rest.split()[0]) << 10
        for name, _, rest in (line.partition(":") for line in text.splitlines())
        if rest
    }
    return Memory(figures["MemTotal"], figures.get("MemAvailable", figures["MemFree"]))


def _container(cgroup: Path) -> Memory | None:
    """The limit of the control group (version 2) that we run in, as a container sees it; None without one."""
    try:
        limit = int((cgroup / "memory.max").read_text())  # "max", no number, without a limit
        used = int((cgroup / "memory.current").read_text())
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return Memory(limit, max(0, limit - used + _given_back(stat)))


def _given_back(stat: Mapping[str, str]) -> int:
    """What the kernel would give back before it kills: all cached files, active ones too, as MemAvailable counts them.

    The weights of an engine that has ended stay among those until somebody needs the memory.
    """
    return sum(int(stat.get(name, 0)) for name in ("active_file", "inactive_file", "slab_reclaimable"))


def activity(pid: int) -> Activity | None:
    """What the process has done, or None where the system does not say."""
    if sys.platform != "linux":
        return None
    try:
        # The command's name may hold spaces and parentheses: fields are counted after its end.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        io = (_PROC / str(pid) / "io").read_text()
    except OSError:
        return None
    read = next((int(line.split()[1]) for line in io.splitlines() if line.startswith("rchar:")), 0)
    faults = int(fields[7]) + int(fields[9])
    ticks = int(fields[11]) + int(fields[12])
    return Activity(ticks / os.sysconf("SC_CLK_TCK"), read + faults * os.sysconf("SC_PAGE_SIZE"))

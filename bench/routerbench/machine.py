"""What the measurements ran on, without names of hosts or users."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from routerbench.programs import python_version


def describe() -> dict[str, str]:
    return {
        "processor": _after_colon("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_after_colon('/proc/meminfo', 'MemTotal').split()[0]) / (1 << 20):.0f} GiB",
        "virtual": "yes" if "hypervisor" in Path("/proc/cpuinfo").read_text() else "no",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release().partition('-')[0]}",
        "python": python_version(),
        "niceness": _autogroup_niceness(),
    }


def _autogroup_niceness() -> str:
    """The priority of this session beside others, where the kernel schedules by sessions."""
    file = Path("/proc/self/autogroup")
    return file.read_text().split()[-1] if file.exists() else str(os.nice(0))


def _after_colon(file: str, key: str) -> str:
    line = next((line for line in Path(file).read_text().splitlines() if line.startswith(key)), f"{key}: unknown")
    return line.partition(":")[2].strip()

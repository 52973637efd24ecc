"""Whether this machine can be a node: looks, and says in one line what lacks."""

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

# Program -> the Debian and Ubuntu package it comes from. kube-proxy's nftables mode needs no iptables.
PROGRAMS = {
    "buildah": "buildah",
    "containerd": "containerd",
    "ctr": "containerd",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "runc": "runc",
}
PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
PLUGINS_PACKAGE = "containernetworking-plugins"


class UnfitError(Exception):
    """This machine cannot be a node; the message is one line with what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node needs of its machine: the operating system, who asks, what is installed."""

    system: str
    root: bool
    programs: frozenset[str]
    plugins: Path | None


def require() -> Path:
    """The folder of CNI plugins, when everything else is there, too. Raises UnfitError."""
    machine = look()
    reason = obstacle(machine)
    if reason is not None or machine.plugins is None:
        raise UnfitError(reason)
    return machine.plugins


def look() -> Machine:
    """What this machine has."""
    return Machine(
        system=platform.system(),
        root=os.geteuid() == 0,
        programs=frozenset(program for program in PROGRAMS if shutil.which(program)),
        plugins=next((folder for folder in PLUGINS if (folder / "bridge").exists()), None),
    )


def obstacle(machine: Machine) -> str | None:
    """Why `machine` cannot be a node, or None."""
    if machine.system != "Linux":
        return "a cluster without Docker needs Linux"
    if not machine.root:
        return "a cluster without Docker needs root, for network interfaces and mounts"
    packages = missing(machine)
    if packages:
        return f"a cluster without Docker needs: apt-get install --no-install-recommends {' '.join(packages)}"
    return None


def missing(machine: Machine) -> list[str]:
    """The system packages that `machine` lacks, in order of their names."""
    packages = {package for program, package in PROGRAMS.items() if program not in machine.programs}
    if machine.plugins is None:
        packages.add(PLUGINS_PACKAGE)
    return sorted(packages)

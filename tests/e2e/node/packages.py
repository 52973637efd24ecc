"""The system packages of a node, installed where that can be done unattended: as root, with apt."""

import os
import shutil
import subprocess

from e2e.node.requirements import UnfitError, look, missing, obstacle
from support.kube.cache import Report

# Another program may be at it, such as a machine's own upgrades: then it is waited for.
APT = ("apt-get", "--option=DPkg::Lock::Timeout=300", "--option=Acquire::Retries=3")
UNATTENDED = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
SECONDS = 600


def provide(report: Report) -> None:
    """Installs what this machine lacks to be a node. Raises UnfitError, one line, where that cannot be done."""
    machine = look()
    packages = missing(machine)
    if not packages or not machine.root or shutil.which("apt-get") is None:
        reason = obstacle(machine)
        if reason is not None:
            raise UnfitError(reason)
        return
    report(f"installing {' '.join(packages)}")
    _run("dpkg", "--configure", "--pending")  # of an installation that was interrupted
    _run(*APT, "--quiet", "update")
    _run(*APT, "--quiet", "install", "--yes", "--no-install-recommends", *packages)


def _run(*command: str) -> None:
    process = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
        env=os.environ | UNATTENDED,
    )
    if process.returncode:
        last = "\n".join(process.stdout.splitlines()[-5:])
        raise UnfitError(f"`{' '.join(command)}` failed:\n{last}")

"""Builds Go programs, and tells how far that is: it takes minutes the first time."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Static and without paths of this machine: the same source gives the same bytes, and an image FROM scratch can hold it.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false -mod=readonly"}
STRIPPED = "-s -w"
SECONDS_BETWEEN_REPORTS = 10.0


class WayError(Exception):
    """A build or download that did not work; the message is one line."""


def build(
    module: Path, output: Path, report: Callable[[str], None], *, packages: str = ".", flags: Sequence[str] = ()
) -> None:
    """Builds `packages` of the Go module in the folder `module` into `output`, a file or an existing folder.

    Raises WayError.
    """
    report("downloading the Go modules that are not there yet")
    total = len(_list(module, packages).split())
    command = ["go", "build", "-v", *flags, f"-o={output}", packages]  # -v names each package that is compiled
    begin = reported = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=module, env=os.environ | ENVIRONMENT, text=True, stderr=subprocess.PIPE
    ) as process:
        for line in process.stderr or ():
            lines.append(line)
            if time.monotonic() - reported > SECONDS_BETWEEN_REPORTS:
                reported = time.monotonic()
                report(f"compiled {len(lines)} of at most {total} packages in {reported - begin:.0f} s")
    if process.returncode:
        raise WayError(f"go build: {_last_line(lines)}")
    report(f"built in {time.monotonic() - begin:.0f} s")


def _list(module: Path, packages: str) -> str:
    command = ["go", "list", "-deps", packages]
    process = subprocess.run(
        command, cwd=module, env=os.environ | ENVIRONMENT, text=True, capture_output=True, check=False
    )
    if process.returncode:
        raise WayError(f"go list: {_last_line(process.stderr.splitlines())}")
    return process.stdout


def _last_line(lines: list[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

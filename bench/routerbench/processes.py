"""Child processes: pinned to one core, in a group of their own, always ended, and by the id of that group."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

OWN_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


def pinned(command: Sequence[str], core: int) -> list[str]:
    return ["taskset", "--cpu-list", str(core), *command]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of a `with` block; what it prints goes to `log`."""
    inherited = {name: os.environ[name] for name in OWN_ENVIRONMENT if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=inherited | dict(env), cwd=log.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            process_group=0,  # no session of its own: the benchmark's priority holds for all that it starts
        )  # fmt: skip
    try:
        yield process
    finally:
        end(process)


def halt(group: int) -> None:
    """All processes of the group stand still until they are awake; connections to them stay open."""
    os.killpg(group, signal.SIGSTOP)


@contextlib.contextmanager
def awake(group: int) -> Iterator[None]:
    """A group that was halted goes on for the time of a `with` block."""
    os.killpg(group, signal.SIGCONT)
    try:
        yield
    finally:
        halt(group)


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks the process's group to end, halted or not, and after five seconds makes it."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
            os.killpg(process.pid, signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
    # Workers may outlive a leader that ended in time; the second signal above has met them too.


@contextlib.contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM, SIGHUP and SIGINT unwind the stack, so that every `running` block ends its process.

    SIGINT, too: a shell has its background jobs ignore it, and then Python leaves it ignored.
    """

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

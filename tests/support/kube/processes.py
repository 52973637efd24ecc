"""Background programs of one test: started with a log file, stopped by their own handle, never outliving the test.

A program dies with the process that started it, even when that one is killed with SIGKILL (Linux only; elsewhere it is
stopped when the test ends in any other way).
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

# The kernel takes the end of the *thread* that started a program for its parent's death. So all are started by one
# thread that lives as long as the process, whichever thread (of an asyncio executor, say) asks for it.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class ProgramError(Exception):
    """A program ended or did not get ready; the message ends with the last lines of its log."""


class Program:
    """One running program.

    name: for messages. log: the file that gets its stdout and stderr, appended to.
    """

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = _spawner.submit(_start, argv, log).result()

    @property
    def pid(self) -> int:
        """Its process id, meaningful while it runs."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds; returns when it has ended."""
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


def wait_until(what: str, ready: Callable[[], bool], programs: Sequence[Program], timeout: float) -> None:
    """Returns once `ready()` is true.

    Raises ProgramError as soon as one of `programs` has ended, or after `timeout` seconds with the log of the last of
    them, which is the one that is waited for.
    """
    end = time.monotonic() + timeout
    while not ready():
        for program in programs:
            if not program.running:
                raise ProgramError(f"{program.name} ended before {what}:\n{program.last_lines()}")
        if time.monotonic() > end:
            raise ProgramError(f"no {what} after {timeout:g} s; {programs[-1].name}:\n{programs[-1].last_lines()}")
        time.sleep(0.03)


def _start(argv: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for pytest, which then stops the programs in their order
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 - two system calls, no lock, nothing imported
        )


def _die_with(parent: int) -> None:
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)

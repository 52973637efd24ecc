"""`PYTHONPATH=tests python -m e2e [PYTEST ARGUMENT...]`: every scenario on a cluster of its own, from nothing.

Installs the system packages that lack, clears what an interrupted run has left, starts a cluster with this tree on
it, runs the scenarios, and takes it down whatever happens. It never runs longer than LIMIT.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e import bare, cluster
from e2e.node import images

HERE = Path(__file__).parent
LIMIT = 45 * 60  # seconds
ENDING = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP)


class EndedError(Exception):
    """Somebody, or the limit, ends this run; the message says who."""


def main() -> int:
    """pytest's exit status, or 1 after one line (and perhaps the end of a log) that says what is wrong."""
    for number in ENDING:
        signal.signal(number, _end)
    signal.alarm(LIMIT)
    try:
        return _run(sys.argv[1:] or [str(HERE)])
    except (*cluster.TROUBLE, EndedError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    with _step("system packages"):
        ground = cluster.choose(_report)
    with _step("clear what an earlier run left"):
        if ground is bare:
            images.clear()
        ground.down()
    try:
        with _step("a cluster with this tree on it"):
            cluster.up(ground, _report)
        with _step("scenarios"):
            return subprocess.call([sys.executable, "-m", "pytest", "--durations=0", *arguments])
    finally:
        for number in ENDING:  # taking it down is bounded by itself, and must not be left half done
            signal.signal(number, signal.SIG_IGN)
        with _step("take it down"):
            ground.down()


@contextmanager
def _step(what: str) -> Iterator[None]:
    begin = time.monotonic()
    _report(f"== {what}")
    try:
        yield
    finally:
        _report(f"== {what}: {time.monotonic() - begin:.0f} s")


def _end(number: int, _: object) -> None:
    name = signal.Signals(number).name
    raise EndedError(f"not done after {LIMIT} s" if number == signal.SIGALRM else f"ended by {name}")


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

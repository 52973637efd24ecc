"""A node that outlives the command that starts it: one process in the background holds it until it is told to end.

That process holds a lock for as long as it lives, so that nobody takes another process of its number for it, and
nothing has to be found by name. When it is killed, its programs die with it; `down` puts the machine back all the same.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from e2e.node.layout import Layout
from e2e.node.node import Node

SECONDS = 180.0
ENDING = (signal.SIGTERM, signal.SIGINT)
OUTAGE = (signal.SIGUSR1, signal.SIGUSR2)  # the API server is to go; to come back


class NodeError(Exception):
    """The node did not come up, or is up already; one line, then perhaps the end of a log."""


def serve(directory: Path, archives: Sequence[Path]) -> None:
    """Runs a node until SIGTERM or SIGINT; SIGUSR1 stops its API server, SIGUSR2 starts it again.

    Raises NodeError when one runs in `directory` already.
    """
    layout = Layout(directory)
    signal.pthread_sigmask(signal.SIG_BLOCK, {*ENDING, *OUTAGE})
    try:
        with FileLock(_lock(directory), timeout=0):
            _pid(directory).write_text(str(os.getpid()))
            with Node(directory, archives) as node:
                layout.ready.write_text(str(node.plane.kubeconfig))
                _wait(node)
                layout.ready.unlink()
    except Timeout:
        raise NodeError(f"a node runs already in {directory}") from None


def up(directory: Path, archives: Sequence[Path]) -> Path:
    """Starts a node in the background, and returns its kubeconfig when it serves. Raises NodeError."""
    layout = Layout(directory)
    if running(directory):
        raise NodeError(f"a node runs already in {directory}")
    down(directory)  # what a node that was killed has left
    directory.mkdir(parents=True)
    log = layout.log("supervisor")
    command = [sys.executable, "-m", "e2e.node", f"--directory={directory}", "serve", *map(str, archives)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(layout, process)
    except BaseException:
        process.terminate()  # it undoes what it has begun
        process.wait(SECONDS)
        raise
    return Path(layout.ready.read_text())


def _wait_for(layout: Layout, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS
    while not layout.ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            log = layout.log("supervisor").read_text(errors="replace")
            raise NodeError(f"the node did not come up:\n{log[-3000:]}")
        time.sleep(0.05)


def down(directory: Path) -> None:
    """Ends the node in `directory` if there is one, puts the machine back and deletes the directory."""
    if not directory.exists():
        return
    if running(directory):
        os.kill(int(_pid(directory).read_text()), signal.SIGTERM)
    with FileLock(_lock(directory), timeout=SECONDS):
        if Layout(directory).before.exists():  # it was killed
            Node(directory).stop()
        shutil.rmtree(directory)


def stop_api_server(directory: Path) -> None:
    """Asks the node in `directory` to stop its API server; the rest of it runs on."""
    os.kill(int(_pid(directory).read_text()), signal.SIGUSR1)


def start_api_server(directory: Path) -> None:
    """Asks for the API server again, at the address it had."""
    os.kill(int(_pid(directory).read_text()), signal.SIGUSR2)


def running(directory: Path) -> bool:
    """Whether a node runs in `directory`."""
    if not directory.exists():
        return False
    try:
        with FileLock(_lock(directory), timeout=0):
            return False
    except Timeout:
        return True


def _wait(node: Node) -> None:
    """Returns when the node is to end."""
    serves = True
    while (number := signal.sigwait({*ENDING, *OUTAGE})) not in ENDING:
        if number == signal.SIGUSR1 and serves:
            node.stop_api_server()
        if number == signal.SIGUSR2 and not serves:
            node.start_api_server()
        serves = number == signal.SIGUSR2


def _lock(directory: Path) -> Path:
    return directory / "supervisor.lock"


def _pid(directory: Path) -> Path:
    return directory / "supervisor.pid"

"""A program under guard does not outlive whoever started it, even one that is killed with SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from auriga_cli.local import guard
from support.engines import alive, until

PARENT = """
import subprocess, sys, os
sys.path.insert(0, {root!r})
import guard
child = subprocess.Popen(
    [*guard.prefix(os.getpid(), {platform!r}), sys.executable, "-c", {program!r}],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
)
print(child.pid, child.stdout.readline().decode().strip(), flush=True)
sys.exit(child.wait() % 256)
"""
SLEEPER = "import os, signal, time; print(os.getpid(), flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER

platforms = pytest.mark.parametrize("platform", ["linux", "elsewhere"])


def start(platform: str, program: str) -> tuple[subprocess.Popen[str], int, int]:
    """The parent, and the ids of its child and of the guarded program."""
    code = PARENT.format(root=os.path.dirname(guard.__file__), platform=platform, program=program)
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child, guarded = map(int, parent.stdout.readline().split())
    return parent, child, guarded


@platforms
@pytest.mark.parametrize("program", [SLEEPER, STUBBORN], ids=["ordinary", "ignores SIGTERM"])
def test_it_ends_with_a_parent_that_is_killed(platform: str, program: str) -> None:
    parent, child, guarded = start(platform, program)
    assert alive(guarded)
    parent.kill()
    parent.wait()
    until(lambda: not alive(guarded) and not alive(child))


def test_on_linux_the_guard_becomes_the_program() -> None:
    parent, child, guarded = start("linux", SLEEPER)
    assert child == guarded
    parent.kill()
    parent.wait()


@platforms
def test_signals_and_their_exit_status_pass_through(platform: str) -> None:
    parent, child, guarded = start(platform, SLEEPER)
    os.killpg(child, signal.SIGTERM)
    assert parent.wait() == -signal.SIGTERM % 256
    assert not alive(guarded)


@platforms
def test_the_exit_status_passes_through(platform: str) -> None:
    argv = [*guard.prefix(os.getpid(), platform), sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.wait() == 7


@platforms
def test_a_program_that_cannot_be_run_is_named(platform: str) -> None:
    argv = [*guard.prefix(os.getpid(), platform), "/no/such/program"]
    done = subprocess.run(argv, input="", capture_output=True, text=True, check=False)
    assert done.returncode == guard.EX_NOTFOUND
    assert done.stderr == "error: /no/such/program cannot be run: No such file or directory\n"


def test_nothing_starts_for_a_parent_that_is_already_gone() -> None:
    """The race between its death and the kernel being told: the parent's id is another by then."""
    argv = [*guard.prefix(1), "/bin/echo", "started"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")

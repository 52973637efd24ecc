"""Runs a program so that it cannot outlive `auriga up`, even when that is killed with SIGKILL.

    python -I -S guard.py exec PARENT_PID PROGRAM [ARG ...]    Linux: the kernel ends the program with its parent
    python -I -S guard.py watch PROGRAM [ARG ...]              elsewhere: this process stays, and ends the program when
                                                               the other end of its stdin closes

A file of its own that imports nothing of Auriga: it starts in a few milliseconds, and a preexec_fn would run Python
between fork and exec, where another thread may hold a lock for ever.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
EX_NOTFOUND = 127
"""As shells have it: the program could not be run."""


def prefix(parent: int, platform: str = sys.platform) -> list[str]:
    """What goes before a command line to guard it. With ``watch``, the caller keeps the program's stdin open."""
    how = ["exec", str(parent)] if platform == "linux" else ["watch"]
    return [sys.executable, "-I", "-S", __file__, *how]


def main(args: list[str]) -> int:
    """The process that is to become, or to watch, the program."""
    how, *rest = args
    if how == "exec":
        return _exec(int(rest[0]), rest[1:])
    return _watch(rest)


def _exec(parent: int, argv: list[str]) -> int:
    import ctypes  # noqa: PLC0415 - not on every platform, and not needed to watch

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the kernel was told: nobody would end us then.
    if os.getppid() != parent:
        return 1
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the whole point: no shell, same process
    except OSError as error:
        return _cannot_run(argv[0], error)


def _watch(argv: list[str]) -> int:
    import subprocess  # noqa: PLC0415
    import threading  # noqa: PLC0415

    try:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    except OSError as error:
        return _cannot_run(argv[0], error)

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        child.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    # They are sent to the whole process group: the program has them already, and a second one would mean "at once".
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    code = child.wait()
    if code < 0:
        # To be seen as killed by the same signal: the supervisor reads a reason from it.
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    return code


def _cannot_run(program: str, error: OSError) -> int:
    print(f"error: {program} cannot be run: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201
    return EX_NOTFOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

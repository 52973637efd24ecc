"""The exit codes of the ``auriga`` command: part of its interface, so a number never changes its meaning."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script can learn from how ``auriga`` ended."""

    OK = 0
    FAILED = 1
    INVALID = 2
    ENVIRONMENT = 3
    UNREACHABLE = 4
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """In a few words, for help texts."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "the request or the command failed",
    ExitCode.INVALID: "bad usage, or manifests that the API would refuse",
    ExitCode.ENVIRONMENT: "this machine is not ready: a port in use, no engine, no such file",
    ExitCode.UNREACHABLE: "no Auriga at that address",
    ExitCode.INTERRUPTED: "Ctrl-C",
}


def explain(*codes: ExitCode) -> str:
    """``Exit codes:`` and a line for each."""
    return "\n".join(["Exit codes:", *(f"  {code:>3}  {code.meaning}" for code in codes)])

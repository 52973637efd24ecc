"""What can go wrong with an Auriga that runs somewhere, and the exit code that says so."""

from __future__ import annotations

from auriga_cli.exit_codes import ExitCode
from auriga_cli.remote.attempts import Attempt


class RemoteError(Exception):
    """The message is one line for people."""

    code = ExitCode.FAILED


class BadAddressError(RemoteError):
    """``--url`` or ``AURIGA_URL`` is no address."""

    code = ExitCode.INVALID


class UnreachableError(RemoteError):
    """Nobody answers there, or somebody who is no Auriga."""

    code = ExitCode.UNREACHABLE


class RefusedError(RemoteError):
    """Auriga answered with an error: no such role, no member could answer, a request that nobody can take."""

    def __init__(self, message: str, attempts: tuple[Attempt, ...] = ()) -> None:
        super().__init__(message)
        self.attempts = attempts


class NotReadyError(RemoteError):
    """Auriga is there, but not everything in it serves."""


class UnknownNameError(RemoteError):
    """Auriga is there, and knows nothing of that name."""


class BrokenError(RemoteError):
    """The answer began and did not end."""

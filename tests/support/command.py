"""Runs the `auriga` command in this process, with its own stdin, stdout and stderr."""

from __future__ import annotations

from typing import NamedTuple

from typer.testing import CliRunner

from auriga_cli.main import app


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def auriga(*args: str, stdin: str | None = None, **env: str) -> Ran:
    """An exception that is no exit is the test's failure."""
    result = CliRunner().invoke(app, args, input=stdin, env={"AURIGA_URL": None, **env}, prog_name="auriga")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)

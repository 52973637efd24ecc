"""Where the command writes: results to ``out``, everything said to the person at the terminal to ``err``.

Rich decides about colour: none when the stream is no terminal or ``NO_COLOR`` is set. Markup is off, because names,
messages and answers come from outside and square brackets in them are only text.
"""

from __future__ import annotations

import re
from typing import NoReturn

import typer
from rich.console import Console, RenderableType

from auriga_cli.exit_codes import ExitCode

out = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)

_UNBROKEN = 10_000

# C0 and C1 controls and DEL, but for tab and newline: what a terminal would take as a command (ESC begins most, and
# 0x9b is ESC [ in one character); also the invisible marks that turn the direction of text around.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """``text`` without what a terminal would execute: a model's output is data, not commands to the terminal."""
    return _CONTROL.sub("", text)


def write(text: str) -> None:
    """Puts a piece of a model's output to stdout as it is, at once, without what a terminal would execute."""
    out.file.write(printable(text))
    out.file.flush()


def show(table: RenderableType) -> None:
    """Prints tables: as wide as the terminal, or in a file or a pipe as wide as they are, so that no cell is broken."""
    if out.is_terminal:
        out.print(table, soft_wrap=False)
        return
    plain = Console(width=_UNBROKEN, color_system=None)
    with plain.capture() as captured:
        plain.print(table)
    # Rich fills every cell up to the width of its column.
    out.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def error(message: str) -> None:
    """``error: message`` on stderr."""
    err.print("error:", style="bold red", end=" ")
    err.print(printable(message))


def fail(code: ExitCode, message: str) -> NoReturn:
    """Ends the command: ``error: message`` on stderr, and ``code`` for the shell."""
    error(message)
    raise typer.Exit(code)

"""``auriga version``: what is installed here, for a bug report or a script."""

from __future__ import annotations

import json
import platform
import re
import subprocess
from importlib.metadata import version as installed_version
from typing import Annotated, Literal, NamedTuple

import typer

from auriga_cli import console
from auriga_cli.engines.detect import NoEngineError, detect

_ENGINES = ("llama-server", "xllamacpp", "llama-cpp-python")
_SECONDS = 5.0


class Found(NamedTuple):
    """An engine, as far as this machine has it."""

    name: str
    available: bool
    version: str = ""
    path: str = ""


def version(
    output: Annotated[
        Literal["text", "json"], typer.Option("--output", "-o", help="text for people, json for scripts.")
    ] = "text",
) -> None:
    """Show the versions of Auriga, Python and the engines that this machine has."""
    found = [find(name) for name in _ENGINES]
    if output == "json":
        console.out.print(json.dumps(_facts(found), indent=2))
    else:
        console.out.print(_text(found))


def find(name: str) -> Found:
    """One engine by its name; a binary is asked for its version."""
    try:
        engine = detect(name)
    except NoEngineError:
        return Found(name, available=False)
    if name != "llama-server":
        return Found(name, available=True, version=engine.version)
    return Found(name, available=True, version=_ask(engine.program[0]), path=engine.program[0])


def _ask(program: str) -> str:
    """``version: 6500 (abcdef1)`` is what llama-server says, on stderr; "" when it does not."""
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    match = re.search(r"^version: (.+)$", asked.stdout + asked.stderr, re.MULTILINE)
    return match[1].strip() if match else ""


def _facts(found: list[Found]) -> dict[str, object]:
    return {
        "auriga": installed_version("auriga"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "engines": [engine._asdict() for engine in found],
    }


def _text(found: list[Found]) -> str:
    head = f"auriga {installed_version('auriga')}, Python {platform.python_version()}, {platform.platform()}"
    return "\n".join([head, *(_line(engine) for engine in found)])


def _line(engine: Found) -> str:
    if not engine.available:
        return f"  {engine.name}: not installed"
    return "  " + " ".join(part for part in (f"{engine.name}:", engine.version or "installed", engine.path) if part)

"""``auriga check``: what an API server would say of manifests, with file and line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from auriga_cli import console
from auriga_cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from auriga_api.manifests import Manifests, Problem


_STDIN = Path("-")
_NOTHING = "no objects"


def check(
    file: Annotated[
        list[Path], typer.Option("--file", "-f", metavar="FILE|DIR|-", help="Manifests; - is stdin. May be repeated.")
    ],
    *,
    namespace: Annotated[
        str, typer.Option(envvar="AURIGA_NAMESPACE", help="The namespace of objects that name none.")
    ] = "default",
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--output", "-o", help="A line for each problem, or one JSON object.")
    ] = "text",
) -> None:
    """Say what is wrong with manifests, without running anything.

    Errors are what the API server would refuse. Warnings are references to nothing, weights that are not on this
    machine, and names taken twice.
    A folder is read as `auriga up` reads it: its own .yaml, .yml and .json files.
    """
    from auriga_api.manifests import references

    manifests = _load(file, namespace)
    found = (*manifests.problems, *references(manifests), *_missing_weights(manifests))
    problems = sorted(found, key=lambda problem: (problem.file, problem.line))
    failed = any(strict or problem.severity == "error" for problem in problems)
    if output == "json":
        console.out.print(json.dumps(_facts(manifests, problems, failed), indent=2))
    else:
        for problem in problems:
            _print(problem)
        console.err.print(_summary(manifests, problems))
    raise typer.Exit(ExitCode.INVALID if failed else ExitCode.OK)


def _load(files: list[Path], namespace: str) -> Manifests:
    from auriga_api.manifests import parse
    from auriga_router.sources.files import FileSource

    if _STDIN in files:
        if len(files) > 1:
            console.fail(ExitCode.INVALID, "-f - is read alone: leave out the other files, or pipe them in too")
        return parse({"<stdin>": sys.stdin.read()}, namespace)
    for path in files:
        if not path.exists():
            console.fail(ExitCode.ENVIRONMENT, f"-f {path}: no such file or folder")
    return FileSource(files, namespace).load()


def _missing_weights(manifests: Manifests) -> Iterator[Problem]:
    """Files that are not here, as `auriga up` looks for them. No more than warnings: they may be on the nodes."""
    from auriga_api import Model
    from auriga_api.manifests import Problem

    for origin, model in manifests.read():
        source = model.spec.source if isinstance(model, Model) else None
        if source is None or source.file is None:
            continue
        path = Path(Path(origin.file).parent, Path(source.file.path).expanduser())
        if not path.is_file():
            text = f"spec.source.file.path: there is no file {path.absolute()} on this machine"
            line = origin.at("spec", "source", "file", "path")
            yield Problem(origin.file, line, f"Model {model.metadata.key}", text, "warning")


def _print(problem: Problem) -> None:
    """``file:line: `` comes first: terminals and editors make a link of it."""
    style = "red" if problem.severity == "error" else "yellow"
    what = str(problem).removeprefix(f"{problem.place}: ")
    console.out.print(console.printable(f"{problem.place}:"), end=" ")
    console.out.print(f"{problem.severity}:", style=style, end=" ")
    console.out.print(console.printable(what))


def _summary(manifests: Manifests, problems: list[Problem]) -> str:
    counts = (("Model", manifests.models), ("RoleChain", manifests.chains), ("Secret", manifests.secrets))
    good = ", ".join(_number(len(objects), kind) for kind, objects in counts if objects) or _NOTHING
    errors = sum(problem.severity == "error" for problem in problems)
    if not problems:
        return f"{good}: no problems"
    if not errors and good == _NOTHING:
        return "nothing was checked"
    return f"{_number(errors, 'error')}, {_number(len(problems) - errors, 'warning')}; {good} without an error"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _facts(manifests: Manifests, problems: list[Problem], failed: bool) -> dict[str, object]:
    return {
        "ok": not failed,
        "problems": [asdict(problem) for problem in problems],
        "models": sorted(manifests.models),
        "roleChains": sorted(manifests.chains),
        "secrets": sorted(manifests.secrets),
    }

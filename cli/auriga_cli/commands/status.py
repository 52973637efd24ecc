"""``auriga status``: what a running Auriga serves. The work is done in `watching`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from auriga_cli.commands.options import DEFAULT_URL, Url, seconds


def status(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these: roles, synonyms, Models. Without any: everything."),
    ] = None,
    *,
    url: Url = DEFAULT_URL,
    output: Annotated[
        Literal["table", "wide", "json"],
        typer.Option("--output", "-o", help="table for people, wide with endpoints, json as the server says it."),
    ] = "table",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it, until Ctrl-C.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when all of that is ready.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="DURATION", parser=seconds, help="How long to --wait, such as 90s or 10m.")
    ] = "10m",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
) -> None:
    """Show Models, roles and endpoints of a running Auriga.

    It ends with 0 when the status could be read, whatever it says; with --wait, when everything is ready, or all that
    is named: a role is ready when one of its members is. `auriga status --wait assistant` does not wait for a provider
    of it that is dead.
    """
    from auriga_cli import watching

    view = watching.View(url, output, tuple(names or ()))
    if wait:
        watching.wait(view, timeout)
    elif watch:
        watching.watch(view)
    else:
        watching.show(view)

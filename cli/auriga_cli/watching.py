"""Reading the status of an Auriga: once, again and again, or until everything is ready."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from auriga_cli import console
from auriga_cli.remote.client import Client
from auriga_cli.remote.errors import NotReadyError, RemoteError, UnreachableError
from auriga_cli.remote.report import Report, read
from auriga_cli.status_tables import tables

_EVERY = 1.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class View:
    """Whose status, and how to show it."""

    url: str
    output: Literal["table", "wide", "json"]
    names: tuple[str, ...] = ()
    """Of the roles and Models that it is about; none: of all."""


def show(view: View) -> None:
    """Prints the status once."""
    with _ending(), Client(view.url) as client:
        _print(view, client.status())


def watch(view: View) -> None:
    """Shows the status until Ctrl-C; on a terminal in place, else each time that it has changed."""
    with _ending(), Client(view.url) as client:
        if console.out.is_terminal and view.output != "json":
            _watch_in_place(view, client)
        else:
            _watch_changes(view, client)


def _watch_in_place(view: View, client: Client) -> None:
    with Live(_rendered(view, client.status()), console=console.out, auto_refresh=False) as live:
        while True:
            time.sleep(_EVERY)
            try:
                live.update(_rendered(view, client.status()), refresh=True)
            except UnreachableError as error:
                # It may only be restarting: what was seen last would be a lie, so say so and look again.
                live.update(Text(console.printable(str(error)), style="red"), refresh=True)


def _watch_changes(view: View, client: Client) -> None:
    seen: dict[str, Any] | None = None
    while True:
        status = client.status()
        if status != seen:
            _print(view, status, indent=None)
        seen = status
        time.sleep(_EVERY)


def wait(view: View, timeout: float) -> None:
    """Prints the status once everything is ready. Ends the command with FAILED, or UNREACHABLE, after ``timeout``."""
    deadline = time.monotonic() + timeout
    with _ending(), Client(view.url) as client:
        while problem := _problem(view, client):
            left = deadline - time.monotonic()
            if left <= 0:
                raise problem
            time.sleep(min(_EVERY, left))


def _problem(view: View, client: Client) -> RemoteError | None:
    """What is still missing; when nothing is, prints the status."""
    try:
        status = client.status()
        report = read(status).only(view.names)
    except UnreachableError as error:
        return error
    if missing := report.waiting_for():
        return NotReadyError(f"not ready in time: {'; '.join(missing)}{_advice(view, report)}")
    _print(view, status)
    return None


def _advice(view: View, report: Report) -> str:
    """For who waits for a Model that may never come, although its role has another one."""
    ready = next((chain.role for chain in report.role_chains if chain.ready), "")
    return f" (name what is enough for you: `auriga status --wait {ready}`)" if ready and not view.names else ""


@contextmanager
def _ending() -> Iterator[None]:
    try:
        yield
    except RemoteError as error:
        console.fail(error.code, str(error))


def _print(view: View, status: dict[str, Any], indent: int | None = 2) -> None:
    report = read(status).only(view.names)
    if view.output == "json":
        console.out.print(json.dumps(report.part_of(status) if view.names else status, indent=indent))
    else:
        console.show(tables(report, wide=view.output == "wide"))


def _rendered(view: View, status: dict[str, Any]) -> RenderableType:
    return tables(read(status).only(view.names), wide=view.output == "wide")

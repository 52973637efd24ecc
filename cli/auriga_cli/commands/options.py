"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:8080"

Url = Annotated[str, typer.Option("--url", envvar="AURIGA_URL", metavar="URL", help="The Auriga to talk to.")]


def seconds(text: str) -> float:
    """A duration as Go and Kubernetes write it, such as 90s or 10m; a parser for typer's options."""
    from auriga_api.quantity import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error

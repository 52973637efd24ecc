"""The ``auriga`` command: which commands there are, and what their help says at the end.

Nothing heavy may be imported here or at the top of a command's module: each command imports what it needs when it runs,
so that ``auriga --help`` and shell completion answer at once.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer
from rich.markup import escape

from auriga_cli.commands.chat import chat
from auriga_cli.commands.check import check
from auriga_cli.commands.crds import crds
from auriga_cli.commands.status import status
from auriga_cli.commands.up import up
from auriga_cli.commands.version import version
from auriga_cli.exit_codes import ExitCode, explain

OK, FAILED, INVALID = ExitCode.OK, ExitCode.FAILED, ExitCode.INVALID
ENVIRONMENT, UNREACHABLE, INTERRUPTED = ExitCode.ENVIRONMENT, ExitCode.UNREACHABLE, ExitCode.INTERRUPTED

app = typer.Typer(
    name="auriga",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    # Local variables can hold prompts and keys: a traceback must not show them.
    pretty_exceptions_show_locals=False,
    epilog=f"Help on a command: auriga COMMAND -h\n\n{explain(*ExitCode)}",
)


def _version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def auriga(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Language models behind one endpoint that does not lose an answer that can still be saved.

    Start here: auriga up -f examples/quickstart
    """


def _end(examples: str, *codes: ExitCode) -> str:
    """What a command's help ends with."""
    return escape("\n".join(["Examples:", *(f"  {line}" for line in examples.splitlines()), "", explain(*codes)]))


app.command(
    epilog=_end(
        "auriga up -f examples/quickstart\nauriga up -f models.yaml -f chains/ --port 9000",
        OK, FAILED, INVALID, ENVIRONMENT, INTERRUPTED,
    )
)(up)  # fmt: skip

app.command(
    epilog=_end(
        "auriga check -f examples/quickstart\nauriga check -f models.yaml --strict --output json\n"
        "kustomize build . | auriga check -f -",
        OK, INVALID, ENVIRONMENT,
    )
)(check)  # fmt: skip

app.command(
    epilog=_end(
        'auriga chat assistant "Count to 100"\nauriga chat assistant\n'
        'git diff | auriga chat coding --system "Review this change" --quiet',
        OK, FAILED, INVALID, UNREACHABLE, INTERRUPTED,
    )
)(chat)  # fmt: skip

app.command(
    epilog=_end(
        "auriga status\nauriga status --wait --timeout 5m\n"
        "auriga status --output json | jq '.models[] | select(.phase != \"Ready\")'",
        OK, FAILED, INVALID, UNREACHABLE, INTERRUPTED,
    )
)(status)  # fmt: skip

app.command(
    epilog=_end(
        "auriga crds | kubectl apply --server-side -f -\nauriga crds --output-dir crds", OK, INVALID, ENVIRONMENT
    )
)(crds)

app.command(epilog=_end("auriga version --output json", OK, INVALID))(version)


def main() -> None:
    """The console script."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What cannot be read, or cannot be shown by this terminal, becomes a question mark, and the rest goes on.
            stream.reconfigure(errors="replace")
    app(prog_name="auriga")

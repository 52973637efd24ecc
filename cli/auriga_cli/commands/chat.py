"""``auriga chat``: asks a role, and shows who answered. The work is done in `talk`."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from auriga_cli import console
from auriga_cli.commands.options import DEFAULT_URL, Url, seconds
from auriga_cli.exit_codes import ExitCode


def _names(context: typer.Context) -> list[str]:
    """For shell completion: what a running Auriga answers to."""
    from auriga_cli.talk import names

    return names(context.params.get("url") or DEFAULT_URL)


def chat(
    role: Annotated[
        str,
        typer.Argument(
            metavar="ROLE", help="A role, a synonym or a Model: what goes into `model`.", autocompletion=_names
        ),
    ],
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="What to ask. Without it: what is piped in, else a conversation."),
    ] = None,
    *,
    url: Url = DEFAULT_URL,
    system: Annotated[str, typer.Option("--system", "-s", help="The system prompt.")] = "",
    temperature: Annotated[
        float | None, typer.Option(min=0.0, max=2.0, help="0 gives the likeliest answer. Default: the model's own.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens of the answer at most.")] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="DURATION",
            parser=seconds,
            envvar="AURIGA_TIMEOUT",
            help="How long the server may be silent, such as 90s or 10m.",
        ),
    ] = "10m",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The answer alone, without who gave it.")] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--output", "-o", help="text as it comes, or one JSON object at the end.")
    ] = "text",
) -> None:
    """Ask a role, and watch the answer come.

    The answer goes to stdout; who gave it, and what was tried before that, goes to stderr.
    Ctrl-C stops an answer, which frees the model for others.
    """
    from auriga_cli import talk

    question = _question(prompt)
    if question is None and output == "json":
        console.fail(ExitCode.INVALID, "--output json is for one question: give it as PROMPT or pipe it in")
    options = {"temperature": temperature, "max_tokens": max_tokens}
    conversation = talk.Conversation(
        role, {name: value for name, value in options.items() if value is not None}, system
    )
    talk.run(talk.Talk(url, timeout, conversation, quiet, as_json=output == "json"), question)


def _question(prompt: str | None) -> str | None:
    """The one question to ask; None when a person sits there who wants to ask several."""
    if prompt is None:
        if sys.stdin.isatty():
            return None
        prompt = sys.stdin.read()
    if not prompt.strip():
        console.fail(ExitCode.INVALID, "nothing to ask: the prompt is empty")
    return prompt

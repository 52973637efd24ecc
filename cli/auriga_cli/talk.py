"""Asking an Auriga from a terminal: one question, or a conversation."""

from __future__ import annotations

import json
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

import typer

from auriga_cli import answers, console
from auriga_cli.conversation import Conversation, record
from auriga_cli.exit_codes import ExitCode
from auriga_cli.progress import waiting
from auriga_cli.remote.answer import Answer
from auriga_cli.remote.client import Client
from auriga_cli.remote.errors import RefusedError, RemoteError, UnreachableError

__all__ = ["Conversation", "Talk", "names", "run"]


@dataclass(frozen=True, slots=True)
class Talk:
    """Whom to ask, and how to show it."""

    url: str
    timeout: float
    conversation: Conversation
    quiet: bool = False
    as_json: bool = False


def names(url: str) -> list[str]:
    """What the Auriga at ``url`` answers to; nothing if there is none."""
    try:
        with Client(url, timeout=1.0) as client:
            return client.names()
    except RemoteError:
        return []


def run(talk: Talk, question: str | None) -> None:
    """Asks ``question``, or without one whatever the person types. Ends the command with the error's exit code."""
    try:
        with Client(talk.url, talk.timeout) as client:
            if question is None:
                _converse(client, talk)
            elif talk.as_json:
                _json(client, talk.conversation, question)
            else:
                _ask(client, talk, question)
    except RemoteError as error:
        answers.failure(error)
        raise typer.Exit(error.code) from error
    except KeyboardInterrupt as error:
        # Leaving the client has closed the connection: that is what tells the server to stop.
        raise typer.Exit(ExitCode.INTERRUPTED) from error


def _ask(client: Client, talk: Talk, question: str) -> None:
    content = ""
    try:
        asked = client.chat(talk.conversation.request(question))
        with waiting(client.url, talk.conversation.role, quiet=talk.quiet) as progress, asked as answer:
            try:
                answers.stream(answer, talk.quiet, progress)
            finally:
                content = answer.content
    finally:
        talk.conversation.add(question, content)


def _json(client: Client, conversation: Conversation, question: str) -> None:
    answer: Answer | None = None
    try:
        with client.chat(conversation.request(question)) as answer:
            deque(answer, maxlen=0)
    except RemoteError as error:
        attempts = error.attempts if isinstance(error, RefusedError) else ()
        partial = record(answer) if answer else {"attempts": [attempt._asdict() for attempt in attempts]}
        console.out.print(json.dumps({"error": str(error), **partial}, indent=2))
        raise
    console.out.print(json.dumps({"error": None, **record(answer)}, indent=2))


def _converse(client: Client, talk: Talk) -> None:
    """A conversation, until Ctrl-D or, at the prompt, Ctrl-C. An answer that fails does not end it."""
    with suppress(ImportError):  # Windows has none
        import_module("readline")  # its import is what gives input() a line to edit, and a history
    client.names()  # Nobody there: better said before a question is typed than after.
    console.err.print(f"Talking to {talk.conversation.role}. Ctrl-C stops an answer; Ctrl-D leaves.", style="dim")
    while (question := _typed()) is not None:
        if question.strip():
            _turn(client, talk, question)


def _turn(client: Client, talk: Talk, question: str) -> None:
    try:
        _ask(client, talk, question)
    except KeyboardInterrupt:
        console.err.print("stopped", style="dim")
    except UnreachableError:
        raise
    except RemoteError as error:
        answers.failure(error)


def _typed() -> str | None:
    try:
        return input("> ")
    except (EOFError, KeyboardInterrupt):
        console.err.print()
        return None

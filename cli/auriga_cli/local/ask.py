"""The question of ``auriga up --ask``: asked over HTTP, as any client would."""

from __future__ import annotations

from auriga_cli import answers
from auriga_cli.conversation import Conversation
from auriga_cli.progress import Nothing
from auriga_cli.remote.client import Client
from auriga_cli.remote.errors import RemoteError

_SILENCE = 120.0
"""Seconds without a token until it is given up."""


def ask(url: str, role: str, question: str) -> None:
    """Shows the answer, or why there is none. Blocks; run it in a thread."""
    try:
        with Client(url, timeout=_SILENCE) as client, client.chat(Conversation(role).request(question)) as answer:
            answers.stream(answer, quiet=False, waiting=Nothing())
    except RemoteError as error:
        answers.failure(error)

"""The record of an attempt, and how a reply tells of its attempts (RFC 9651 list in ``x-auriga-attempts``).

Pure. A record names what was asked and what came of it; never a word of prompt or answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from auriga_router.routing.outcome import Outcome

_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*")


class Attempt:
    """One try of one request at one endpoint, ended. Written out: compiled, it is made in a tenth of a tuple's time."""

    __slots__ = (
        "dialect", "endpoint", "milliseconds", "model", "outcome", "request_id", "role", "status", "stream",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - made in one place, for every request
        self,
        request_id: str,
        role: str,
        model: str,
        endpoint: str,
        outcome: Outcome,
        status: int,
        milliseconds: float,
        dialect: str,
        stream: bool,
    ) -> None:
        self.request_id = request_id
        self.role = role
        """The role, or the Model's name where it was called by that."""
        self.model = model
        """Key of the Model."""
        self.endpoint = endpoint
        self.outcome = outcome
        self.status = status
        """The response's; 0 if none came."""
        self.milliseconds = milliseconds
        self.dialect = dialect
        self.stream = stream


class Tried(NamedTuple):
    """An attempt that failed before anything was sent to the client, as the client is told of it."""

    member: str
    outcome: Outcome
    milliseconds: int


class Replied(NamedTuple):
    """A request that got its reply: after all of its attempts."""

    request_id: str
    role: str
    status: int


def attempts_value(failed: Iterable[Tried], answered: str | None) -> bytes:
    """``dead;outcome=Connect;ms=1, demo``: in order; the one that answered carries no parameters."""
    items = [f"{_item(tried.member)};outcome={tried.outcome.value};ms={tried.milliseconds}" for tried in failed]
    if answered is not None:
        items.append(_item(answered))
    return ", ".join(items).encode("ascii")


def reply_headers(answered: str | None, failed: Iterable[Tried] = ()) -> bytes:
    """The header lines that tell who answered and what was tried, each ending in CRLF. Nobody asked: an empty list."""
    model = b"" if answered is None else b"x-auriga-model: %s\r\n" % answered.encode("ascii")
    return model + b"x-auriga-attempts: %s\r\n" % attempts_value(failed, answered)


def _item(name: str) -> str:
    return name if _TOKEN.fullmatch(name) else f'"{name}"'

"""What the program reports: one JSON line an event, the last one ``done`` or ``failed``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from auriga_api.base import Schema
from auriga_api.model import Artifact
from auriga_operator.weights.errors import Reason


class Resolved(Schema):
    """The source is known to file, revision and hash; nothing is downloaded yet."""

    event: Literal["resolved"] = "resolved"
    artifact: Artifact


class Progress(Schema):
    """Bytes that are here, of all files, resumed and cached ones included. ``total_bytes`` is 0 while unknown."""

    event: Literal["progress"] = "progress"
    bytes: int
    total_bytes: int


class Retrying(Schema):
    """Something on the way went wrong, and is tried again after ``seconds``."""

    event: Literal["retrying"] = "retrying"
    message: str
    seconds: float


class Done(Schema):
    """All files are here and verified. ``path``: absolute, the file to give to llama.cpp (the first shard)."""

    event: Literal["done"] = "done"
    path: str
    artifact: Artifact
    has_chat_template: bool = False


class Failed(Schema):
    """Nothing can be served from this source now."""

    event: Literal["failed"] = "failed"
    reason: Annotated[Reason, Field(strict=False)]
    message: str


Event = Annotated[Resolved | Progress | Retrying | Done | Failed, Field(discriminator="event")]
OnEvent = Callable[[Resolved | Progress | Retrying | Done | Failed], None]

_EVENT: TypeAdapter[Resolved | Progress | Retrying | Done | Failed] = TypeAdapter(Event)


def to_line(event: Resolved | Progress | Retrying | Done | Failed) -> str:
    """One line of JSON, camelCase, without the newline."""
    return event.model_dump_json(by_alias=True)


def from_line(line: str | bytes) -> Resolved | Progress | Retrying | Done | Failed:
    """The event in one line. Raises ValueError when it is none."""
    return _EVENT.validate_json(line)

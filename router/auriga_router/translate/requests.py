"""Requests: from the caller's wire format to the endpoint's. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from auriga_router.translate.canonical import Request
from auriga_router.translate.chat import read_request as chat_reader
from auriga_router.translate.chat import write_request as chat_writer
from auriga_router.translate.fields import parse, to_json
from auriga_router.translate.messages import read_request as messages_reader
from auriga_router.translate.messages import write_request as messages_writer
from auriga_router.translate.problems import Dropped
from auriga_router.translate.reply import Reply
from auriga_router.translate.responses import read_request as responses_reader
from auriga_router.translate.target import Target
from auriga_router.translate.wires import Wire

_READ = {
    Wire.CHAT: chat_reader.read_request,
    Wire.MESSAGES: messages_reader.read_request,
    Wire.RESPONSES: responses_reader.read_request,
}
_WRITE = {Wire.CHAT: chat_writer.write_request, Wire.MESSAGES: messages_writer.write_request}


@dataclass(frozen=True, slots=True)
class Asked:
    """A caller's request, read."""

    request: Request
    reply: Reply
    dropped: tuple[Dropped, ...] = ()
    """Fields that no other dialect knows, or that this one should not have."""


@dataclass(frozen=True, slots=True)
class Written:
    """A request as an endpoint takes it."""

    body: bytes = field(repr=False)
    dropped: tuple[Dropped, ...] = ()
    """Fields that this endpoint has no place for."""


def read_request(wire: Wire, body: bytes) -> Asked:
    """The request in the canonical form. Raises RequestError."""
    fields = parse(body)
    request, reply = _READ[wire](fields)
    return Asked(request, reply, tuple(fields.notes))


def write_request(wire: Wire, request: Request, target: Target) -> Written:
    """The request for an endpoint, which speaks chat completions or Messages. Raises RequestError."""
    notes: list[Dropped] = []
    body = to_json(_WRITE[wire](request, target, notes))
    return Written(body, tuple(notes))

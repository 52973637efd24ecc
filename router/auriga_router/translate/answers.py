"""Answers and errors: from the endpoint's wire format to the caller's. Pure."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from auriga_router.translate.answer import Answer
from auriga_router.translate.canonical import Json
from auriga_router.translate.chat import errors as chat_errors
from auriga_router.translate.chat import read_answer as chat_reader
from auriga_router.translate.chat import write_answer as chat_writer
from auriga_router.translate.chat.decoder import ChatDecoder
from auriga_router.translate.chat.encoder import ChatEncoder
from auriga_router.translate.failure import Failure
from auriga_router.translate.messages import errors as messages_errors
from auriga_router.translate.messages import read_answer as messages_reader
from auriga_router.translate.messages import write_answer as messages_writer
from auriga_router.translate.messages.decoder import MessagesDecoder
from auriga_router.translate.messages.encoder import MessagesEncoder
from auriga_router.translate.problems import AnswerError, RequestError
from auriga_router.translate.read_failure import is_failure
from auriga_router.translate.reply import Identity, Reply
from auriga_router.translate.responses import write_answer as responses_writer
from auriga_router.translate.responses.encoder import ResponsesEncoder
from auriga_router.translate.stream import Decoder, Encoder
from auriga_router.translate.wires import Wire


class ErrorReply(NamedTuple):
    """An error as the caller's dialect writes it."""

    status: int
    body: bytes


def read_answer(wire: Wire, body: bytes, identity: Identity) -> Answer:
    """A whole answer of an endpoint, which speaks chat completions or Messages. Raises AnswerError."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise AnswerError("not JSON") from None
    if not isinstance(document, dict) or is_failure(document):
        raise AnswerError("not an answer")
    if wire is Wire.MESSAGES:
        return messages_reader.read_answer(document)
    return chat_reader.read_answer(document, identity.id)


def write_answer(wire: Wire, answer: Answer, identity: Identity, reply: Reply) -> bytes:
    """A whole answer for a caller. Raises AnswerError."""
    try:
        return orjson.dumps(_document(wire, answer, identity, reply))
    except orjson.JSONEncodeError:
        raise AnswerError("nested too deeply") from None


def _document(wire: Wire, answer: Answer, identity: Identity, reply: Reply) -> Json:
    if wire is Wire.MESSAGES:
        return messages_writer.write_answer(answer, identity)
    if wire is Wire.RESPONSES:
        return responses_writer.write_answer(answer, identity, reply)
    return chat_writer.write_answer(answer, identity)


def decoder(wire: Wire, identity: Identity) -> Decoder:
    """For one stream of an endpoint, which speaks chat completions or Messages."""
    return MessagesDecoder() if wire is Wire.MESSAGES else ChatDecoder(identity.id)


def encoder(wire: Wire, identity: Identity, reply: Reply) -> Encoder:
    """For one stream to a caller."""
    if wire is Wire.MESSAGES:
        return MessagesEncoder(identity)
    if wire is Wire.RESPONSES:
        return ResponsesEncoder(identity, reply)
    return ChatEncoder(identity, reply)


def write_failure(wire: Wire, failure: Failure) -> ErrorReply:
    """An endpoint's failure for a caller."""
    if wire is Wire.MESSAGES:
        return ErrorReply(messages_errors.status_of(failure), orjson.dumps(messages_errors.error_document(failure)))
    return ErrorReply(chat_errors.status_of(failure), orjson.dumps(chat_errors.error_document(failure)))


def write_request_error(wire: Wire, error: RequestError) -> ErrorReply:
    """A request that cannot be translated, for its caller."""
    write = messages_errors.request_error if wire is Wire.MESSAGES else chat_errors.request_error
    return ErrorReply(400, orjson.dumps(write(error)))

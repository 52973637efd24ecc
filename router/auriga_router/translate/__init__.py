"""Translation between wire formats through one canonical form. Pure: no asyncio, no sockets, no clock, no logging.

Only for a caller and an endpoint that speak differently; where they speak alike, the original bytes go on.

    asked = read_request(Wire.MESSAGES, body)                              # once a call; raises RequestError
    written = write_request(Wire.CHAT, asked.request, Target(...))         # once an attempt; raises RequestError
    stream = Translation(decoder(Wire.CHAT, identity), encoder(Wire.MESSAGES, identity, asked.reply))  # bytes -> bytes
    answer = read_answer(Wire.CHAT, body, identity)                        # raises AnswerError, as the next
    body = write_answer(Wire.MESSAGES, answer, identity, asked.reply)
    error = write_failure(Wire.MESSAGES, read_failure(status, body))       # whatever the provider
"""

from auriga_router.translate.answer import Stop, says_something
from auriga_router.translate.answers import (
    ErrorReply,
    decoder,
    encoder,
    read_answer,
    write_answer,
    write_failure,
    write_request_error,
)
from auriga_router.translate.canonical import Request
from auriga_router.translate.estimate import estimate_tokens
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.problems import AnswerError, Dropped, RequestError, TranslationError
from auriga_router.translate.read_failure import read_failure
from auriga_router.translate.reply import Identity, Reply
from auriga_router.translate.requests import Asked, Written, read_request, write_request
from auriga_router.translate.resume import Start, Tape, continuation
from auriga_router.translate.stream import Translation
from auriga_router.translate.target import Target
from auriga_router.translate.wires import Wire

__all__ = [
    "AnswerError", "Asked", "Dropped", "ErrorReply", "Failure", "Identity", "Kind", "Reply", "Request", "RequestError",
    "Start", "Stop", "Tape", "Target", "Translation", "TranslationError", "Wire", "Written", "continuation", "decoder",
    "encoder", "estimate_tokens", "read_answer", "read_failure", "read_request", "says_something", "write_answer",
    "write_failure", "write_request", "write_request_error",
]  # fmt: skip

"""Failures and refused requests as OpenAI's error object: for chat completions and Responses alike. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.problems import RequestError, openai_path

_INVALID = "invalid_request_error"
_SERVER = "server_error"
_STATUS_TYPE_CODE = {
    Kind.INVALID_REQUEST: (400, _INVALID, "invalid_request"),
    Kind.TOO_LARGE: (413, _INVALID, "request_too_large"),
    Kind.CONTEXT_OVERFLOW: (400, _INVALID, "context_length_exceeded"),
    Kind.CONTENT_FILTER: (400, _INVALID, "content_filter"),
    Kind.AUTHENTICATION: (502, _SERVER, "endpoint_unauthorized"),
    Kind.PERMISSION: (502, _SERVER, "endpoint_unauthorized"),
    Kind.BILLING: (502, _SERVER, "endpoint_unauthorized"),
    Kind.NOT_FOUND: (404, _INVALID, "model_not_found"),
    Kind.RATE_LIMIT: (429, "rate_limit_error", "rate_limit_exceeded"),
    Kind.OVERLOADED: (503, _SERVER, "overloaded"),
    Kind.TIMEOUT: (504, _SERVER, "timeout"),
    Kind.SERVER: (502, _SERVER, "server_error"),
    Kind.MALFORMED: (502, _SERVER, "malformed_answer"),
    Kind.INTERRUPTED: (502, _SERVER, "stream_interrupted"),
}
"""An endpoint that refuses the Model's own key has not refused the caller's: that is a server's failure."""


def status_of(failure: Failure) -> int:
    """The HTTP status to answer with."""
    return _STATUS_TYPE_CODE[failure.kind][0]


def code_of(failure: Failure) -> str:
    """The ``code``."""
    return _STATUS_TYPE_CODE[failure.kind][2]


def error_document(failure: Failure) -> Json:
    """The body of the answer, and the data of an error in a stream of chunks."""
    _, kind, code = _STATUS_TYPE_CODE[failure.kind]
    return {"error": {"message": failure.message, "type": kind, "param": failure.param, "code": code}}


def request_error(error: RequestError) -> Json:
    """The body of a 400."""
    place = openai_path(error.path)
    message = f"{place}: {error.message}" if place else error.message
    return {"error": {"message": message, "type": _INVALID, "param": place or None, "code": "invalid_request"}}

"""Failures and refused requests as Anthropic's error object. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.problems import RequestError, anthropic_path

_STATUS_AND_TYPE = {
    Kind.INVALID_REQUEST: (400, "invalid_request_error"),
    Kind.CONTEXT_OVERFLOW: (400, "invalid_request_error"),
    Kind.CONTENT_FILTER: (400, "invalid_request_error"),
    Kind.TOO_LARGE: (413, "request_too_large"),
    Kind.AUTHENTICATION: (502, "api_error"),
    Kind.PERMISSION: (502, "api_error"),
    Kind.BILLING: (502, "api_error"),
    Kind.NOT_FOUND: (404, "not_found_error"),
    Kind.RATE_LIMIT: (429, "rate_limit_error"),
    Kind.OVERLOADED: (529, "overloaded_error"),
    Kind.TIMEOUT: (504, "timeout_error"),
    Kind.SERVER: (502, "api_error"),
    Kind.MALFORMED: (502, "api_error"),
    Kind.INTERRUPTED: (502, "api_error"),
}
"""An endpoint that refuses the Model's own key has not refused the caller's: that is a server's failure."""
_OVERFLOW = "prompt is too long: "
"""Claude Code and others look for these words, and compact the conversation."""


def status_of(failure: Failure) -> int:
    """The HTTP status to answer with."""
    return _STATUS_AND_TYPE[failure.kind][0]


def error_document(failure: Failure) -> Json:
    """The body of the answer, and the data of an ``error`` event."""
    message = failure.message
    if failure.kind is Kind.CONTEXT_OVERFLOW and not message.startswith(_OVERFLOW):
        message = _OVERFLOW + message
    return {"type": "error", "error": {"type": _STATUS_AND_TYPE[failure.kind][1], "message": message}}


def request_error(error: RequestError) -> Json:
    """The body of a 400."""
    place = anthropic_path(error.path)
    message = f"{place}: {error.message}" if place else error.message
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}

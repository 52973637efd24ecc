"""What a provider says when it fails -> Failure. Pure; knows the shapes of all providers, and trusts none.

A dialect does not tell the shape of errors: llama-server answers ``/v1/messages`` with OpenAI's, Gemini's
OpenAI-compatible endpoint with Google's (in a list), and gateways in front of any with their own.
"""

from __future__ import annotations

import re

import orjson

from auriga_router.translate.canonical import Json
from auriga_router.translate.failure import Failure, Kind
from auriga_router.translate.numbers import word

_WORDS = {
    # OpenAI: code, or type
    "context_length_exceeded": Kind.CONTEXT_OVERFLOW,
    "content_filter": Kind.CONTENT_FILTER,
    "content_policy_violation": Kind.CONTENT_FILTER,
    "invalid_api_key": Kind.AUTHENTICATION,
    "insufficient_quota": Kind.BILLING,
    "billing_hard_limit_reached": Kind.BILLING,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "model_not_found": Kind.NOT_FOUND,
    "server_error": Kind.SERVER,
    # Anthropic: type
    "authentication_error": Kind.AUTHENTICATION,
    "billing_error": Kind.BILLING,
    "permission_error": Kind.PERMISSION,
    "not_found_error": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_error": Kind.RATE_LIMIT,
    "timeout_error": Kind.TIMEOUT,
    "api_error": Kind.SERVER,
    "overloaded_error": Kind.OVERLOADED,
    # llama-server: type
    "exceed_context_size_error": Kind.CONTEXT_OVERFLOW,
    "unavailable_error": Kind.OVERLOADED,
    # Google: status
    "UNAUTHENTICATED": Kind.AUTHENTICATION,
    "PERMISSION_DENIED": Kind.PERMISSION,
    "NOT_FOUND": Kind.NOT_FOUND,
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
    "INTERNAL": Kind.SERVER,
}
_STATUS = {
    401: Kind.AUTHENTICATION, 402: Kind.BILLING, 403: Kind.PERMISSION, 404: Kind.NOT_FOUND, 408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE, 429: Kind.RATE_LIMIT, 503: Kind.OVERLOADED, 504: Kind.TIMEOUT, 529: Kind.OVERLOADED,
}  # fmt: skip
_OVERFLOW = re.compile(
    r"maximum context length|prompt is too long|context (?:length|window|size|limit)[^.]{0,60}exceed"
    r"|exceed[^.]{0,80}(?:context|maximum number of tokens)",
    re.I,
)
"""Providers that say it only in words: Anthropic, Gemini, vLLM, SGLang, older llama-server."""
_FILTER = re.compile(r"content[ _]?(?:filter|management policy)|blocked by[^.]{0,40}(?:safety|policy)", re.I)
_KEY = re.compile(r"api[ _]?key not valid|invalid api[ _]?key", re.I)
"""Gemini says it with status 400."""
_CANNOT = re.compile(r"(?:image|audio|video) input is not supported")
_UNREADABLE = re.compile(r"\AFailed to parse (?:messages|tools)")
"""llama-server says both with status 500."""


_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")


def read_failure(status: int, body: bytes) -> Failure:
    """Of an error response. ``body`` may be anything: a proxy in between answers in HTML."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    return failure_of(status, document)


def is_failure(document: Json) -> bool:
    """Is this an error, wherever it stands?"""
    return bool(document.get("error")) or document.get("object") == "error" or document.get("type") == "error"


def failure_of(status: int, document: object) -> Failure:
    """Of a parsed error; ``status`` 0 where it came inside a stream."""
    error = _innermost(document)
    message = word(error, "message") or word(error, "detail")
    kind = _kind(status, error, message)
    return Failure(kind, message, word(error, "param") or None, _wait(error))


def _innermost(document: object) -> Json:
    """The object with the message: Google puts errors into a list, Ollama's own API and others leave only a string."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return {}
    inner = document.get("error")
    if isinstance(inner, str):
        return {"message": inner}
    return inner if isinstance(inner, dict) else document


def _kind(status: int, error: Json, message: str) -> Kind:
    """Words of the provider first, then what its message says, then the status. A mere server error may say more."""
    words = (_WORDS.get(word(error, name)) for name in ("code", "type", "status"))
    named = next((kind for kind in words if kind is not None), None)
    if named not in (None, Kind.SERVER):
        return named
    for pattern, kind in (
        (_OVERFLOW, Kind.CONTEXT_OVERFLOW),
        (_FILTER, Kind.CONTENT_FILTER),
        (_KEY, Kind.AUTHENTICATION),
        (_CANNOT, Kind.NOT_FOUND),
        (_UNREADABLE, Kind.INVALID_REQUEST),
    ):
        if pattern.search(message):
            return kind
    if named is not None:
        return named
    status = status or _status_inside(error)
    if status in _STATUS:
        return _STATUS[status]
    return Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.SERVER


def _wait(error: Json) -> float | None:
    """Gemini's ``RetryInfo``: https://cloud.google.com/apis/design/errors"""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        delay = _DELAY.fullmatch(word(detail, "retryDelay"))
        if delay:
            return float(delay[1])
    return None


def _status_inside(error: Json) -> int:
    code = error.get("code")
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    return 400 if word(error, "type") == "invalid_request_error" else 0

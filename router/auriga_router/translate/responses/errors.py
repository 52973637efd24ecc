"""Failures inside a stream of response events. Pure. Error bodies are those of chat completions."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.failure import OF_THE_CALLERS_MAKING, Failure, Kind


def response_error(failure: Failure) -> Json:
    """``error`` of a failed response. Its codes are a closed list."""
    if failure.kind is Kind.RATE_LIMIT:
        code = "rate_limit_exceeded"
    else:
        code = "invalid_prompt" if failure.kind in OF_THE_CALLERS_MAKING else "server_error"
    return {"code": code, "message": failure.message}

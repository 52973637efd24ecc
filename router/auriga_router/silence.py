"""Does a request itself explain an answer in which nothing is said? Pure.

Such an answer, if it ended as it should, is right, and somebody else would give the same. It is asked only about
answers that look empty, which nearly none does: so the request is parsed again, and nothing is kept for each.
"""

from __future__ import annotations

from typing import Final

import orjson

from auriga_router.dialects import Document, Operation
from auriga_router.dialects.openai import COMPLETIONS

_STOPS: Final = ("stop", "stop_sequences")
_FORMS: Final = (
    "grammar", "json_schema", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
)  # fmt: skip
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_LITTLE: Final = 1
"""Tokens of which the first may be the end, or half a character."""


def explained(operation: Operation, body: bytes) -> bool:
    """``body``: of a request that the router has accepted."""
    document: Document = orjson.loads(body)
    return (
        operation is COMPLETIONS  # what follows a prompt may be its end
        or any(document.get(name) for name in _STOPS)
        or any(document.get(name) for name in _FORMS)
        or _has_form(document.get("response_format"))
        or _has_form(_format(document.get("text")))
        or any(_is_little(document.get(name)) for name in _LIMITS)
    )


def _format(text: object) -> object:
    """As Responses have it."""
    return text.get("format") if isinstance(text, dict) else None


def _has_form(form: object) -> bool:
    return isinstance(form, dict) and form.get("type", "text") != "text"


def _is_little(limit: object) -> bool:
    return type(limit) is int and 0 <= limit <= _LITTLE

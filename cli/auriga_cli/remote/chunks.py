"""What the JSON of an answer says, whole or in chunks, in OpenAI's form. Tolerant: what is not there is empty. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from auriga_cli.remote.attempts import from_error
from auriga_cli.remote.errors import BrokenError, RefusedError

DONE = "[DONE]"
"""The last ``data:`` of a stream."""


class Chunk(NamedTuple):
    """A piece of an answer."""

    content: str = ""
    reasoning: str = ""
    """What a thinking model says to itself."""
    finish_reason: str = ""
    tokens: int | None = None
    """Tokens of the whole answer, where the server says it: at the end."""
    model: str = ""
    done: bool = False
    """The stream says that it is over."""


def chunk(data: str) -> Chunk:
    """One ``data:`` of a stream, or a whole answer that was not streamed.

    Raises RefusedError when it is an error, BrokenError when it is no JSON object.
    """
    if data == DONE:
        return Chunk(done=True)
    value = _json(data)
    if not isinstance(value, dict):
        raise BrokenError(f"the server sent what is no answer: {_short(data)}")
    if value.get("error"):
        raise refusal(value)
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    part = _dict(choice, "delta") or _dict(choice, "message")
    return Chunk(
        content=_text(part, "content"),
        reasoning=_text(part, "reasoning_content") or _text(part, "reasoning"),
        finish_reason=_text(choice, "finish_reason"),
        tokens=_tokens(value),
        model=_text(value, "model"),
    )


def refusal(value: dict[str, Any]) -> RefusedError:
    """The error of a body ``{"error": {"message": ..., "attempts": [...]}}``."""
    error = value["error"]
    if not isinstance(error, dict):
        return RefusedError(str(error))
    return RefusedError(
        _text(error, "message") or _text(error, "type") or "an error without a message", from_error(error)
    )


def refused(body: str) -> RefusedError | None:
    """The error of a reply that is not 200; None when it is no error of an API at all."""
    value = _json(body)
    return refusal(value) if isinstance(value, dict) and value.get("error") else None


def _tokens(value: dict[str, Any]) -> int | None:
    """From ``usage``, else from llama.cpp's own ``timings``."""
    for count in (_dict(value, "usage").get("completion_tokens"), _dict(value, "timings").get("predicted_n")):
        if isinstance(count, int):
            return count
    return None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _dict(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:77]}..."

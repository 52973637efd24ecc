"""The body of a request: parse it, find where ``model`` stands, put another name there. Pure.

The original bytes go to the endpoint with only that value replaced: whatever else the caller wrote arrives as it was.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

_loads: Final = orjson.loads
_KEY: Final = b'"model"'
_ANY_KEY: Final = re.compile(
    rb'"(?:m|\\u006[dD])(?:o|\\u006[fF])(?:d|\\u0064)(?:e|\\u0065)(?:l|\\u006[cC])"(?=[ \t\r\n]*:)'
)
_OPENING: Final = b'{"model":'
"""As most clients begin that do not sort their keys; perhaps with a blank after it."""
_QUOTE: Final = ord('"')
_COMMA: Final = ord(",")
_VALUE: Final = re.compile(rb'[ \t\r\n]*:[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_PROBE: Final = b'"\\u0000"'


class BodyError(Exception):
    """The body is not a request. ``param`` is the field at fault, if it is one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


Parsed = tuple[str, bool, bool, tuple[int, int], dict[str, Any]]
"""What routing needs to know of a request: the model; is a stream asked for; is one choice; where the model stands, as
``locate`` gives it; the whole document, but perhaps for the model."""


def parse(body: bytes) -> Parsed:
    """Read a request. Raises BodyError."""
    first = _parse_first(body) if body[: len(_OPENING)] == _OPENING else None
    if first is not None:
        return first
    try:
        document = _loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyError(f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    if not isinstance(document, dict):
        raise BodyError("the body must be a JSON object")
    model = document.get("model")
    if not isinstance(model, str) or not model:
        what = "name a role or a Model; GET /v1/models lists them" if model in (None, "") else "must be a string"
        raise BodyError(f"model: {what}", "model")
    stream, single = _options(document)
    return model, stream, single, locate(body), document


def _parse_first(body: bytes) -> Parsed | None:
    """Read one that begins with its model. None: there is more to it.

    Of long prompts a search for a second `model` would take as long as parsing does: that of the rest tells it.
    """
    start = len(_OPENING) + (body[len(_OPENING) : len(_OPENING) + 1] == b" ")
    stop = body.find(b'"', start + 1) + 1
    if not stop or body[start] != _QUOTE or stop == len(body) or body[stop] != _COMMA:
        return None
    try:
        model = body[start + 1 : stop - 1].decode()
        rest: dict[str, Any] = _loads(b"{" + body[stop + 1 :])
    except ValueError:
        return None
    if not model or not model.isprintable() or "\\" in model or not rest or "model" in rest:
        return None
    stream, single = _options(rest)
    return model, stream, single, (start, stop), rest


def _options(document: dict[str, Any]) -> tuple[bool, bool]:
    stream = document.get("stream")
    if stream is not None and stream is not True and stream is not False:
        raise BodyError("stream: must be true or false", "stream")
    return stream is True, document.get("n") in (None, 1)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        document = _loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def locate(body: bytes) -> tuple[int, int]:
    """Where the value of the top level's ``model`` stands in a body that ``parse`` accepted.

    Of duplicate keys the last counts, as in every mainstream JSON parser.
    """
    last = body.rfind(_KEY)
    value = _VALUE.match(body, last + len(_KEY))
    if last > 0 and value is not None and body[last - 1 : last] != b"\\":
        # What closes exactly one object stands behind a member of the top level.
        rest = _object(b'{"":0' + body[value.end() :])
        if rest is not None and "model" not in rest:
            return value.span(1)
    return _locate_among_many(body)


def splice(body: bytes, span: tuple[int, int], model_json: bytes) -> bytes:
    """The body with ``model_json`` in place of the caller's model."""
    return body[: span[0]] + model_json + body[span[1] :]


def _locate_among_many(body: bytes) -> tuple[int, int]:
    """Try the last and the first candidate by parsing, which is fast C; only then walk through the tokens."""
    candidates = [match.span() for match in _ANY_KEY.finditer(body)]
    for _, end in (candidates[-1], candidates[0]):
        match = _VALUE.match(body, end)
        if match and _loads(splice(body, match.span(1), _PROBE))["model"] == "\0":
            return match.span(1)
    return _walk(body, frozenset(candidates))


def _walk(body: bytes, candidates: frozenset[tuple[int, int]]) -> tuple[int, int]:
    depth = 0
    found = -1
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token.span() in candidates:
            found = token.end()
    return _value_at(body, found)


def _value_at(body: bytes, end_of_key: int) -> tuple[int, int]:
    match = _VALUE.match(body, end_of_key)
    if match is None:
        raise BodyError("model: must be a string", "model")
    return match.span(1)

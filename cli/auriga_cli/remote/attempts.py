"""What was tried before an answer came: the header ``x-auriga-attempts``, and the list in an error's body. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Attempt(NamedTuple):
    """One try at one member. The one that answered has no outcome."""

    member: str
    outcome: str = ""
    milliseconds: int | None = None


# The part of RFC 9651 (structured fields) that the router writes: a list of tokens or strings with parameters, whose
# values are tokens, strings or integers. What is none of it is passed over: a header never spoils an answer.
_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = r"[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*"
_PARAMETER = rf"[a-z*][a-z0-9_.*-]*(?:=(?:{_STRING}|{_TOKEN}|-?[0-9]+))?"
_ITEM = re.compile(rf"({_STRING}|{_TOKEN})((?:;\s*{_PARAMETER})*)\s*(?:,|$)")
_NAMED = re.compile(rf"([a-z*][a-z0-9_.*-]*)=({_STRING}|{_TOKEN}|-?[0-9]+)")


def from_header(value: str) -> tuple[Attempt, ...]:
    """``dead;outcome=Connect;ms=1, demo`` -> both attempts, in order."""
    return tuple(_attempt(match[1], match[2]) for match in _ITEM.finditer(value))


def from_error(error: dict[str, Any]) -> tuple[Attempt, ...]:
    """The list ``attempts`` of an error's body: ``[{"member": "dead", "outcome": "Connect", "ms": 1}]``."""
    listed = error.get("attempts")
    if not isinstance(listed, list):
        return ()
    return tuple(
        Attempt(str(entry.get("member", "")), str(entry.get("outcome", "")), _number(str(entry.get("ms", ""))))
        for entry in listed
        if isinstance(entry, dict)
    )


def _attempt(item: str, parameters: str) -> Attempt:
    named = {name: _plain(value) for name, value in _NAMED.findall(parameters)}
    return Attempt(_plain(item), named.get("outcome", ""), _number(named.get("ms", "")))


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None

"""Server-sent events of a reply, strictly: what the three stream grammars have in common.

A grammar says the first violation: ``violation(body)`` gives it as text, or None. Nothing here is shared with the
router: what it writes is read by other rules than it was written by.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol


class GrammarError(AssertionError):
    """The stream is not what its dialect allows."""


class Event(NamedTuple):
    """One event."""

    name: str
    data: str


class Grammar(Protocol):
    """What a dialect allows, event by event."""

    def event(self, event: Event) -> None:
        """One more event. Raises GrammarError."""

    def end(self) -> None:
        """There are no more. Raises GrammarError."""


def require(condition: object, what: str) -> None:
    """Raises GrammarError unless the condition holds."""
    if not condition:
        raise GrammarError(what)


def events_of(body: bytes) -> list[Event]:
    """The events; each has one data line, at most one name before it, and ends in a blank line. No comments."""
    text = body.decode().replace("\r\n", "\n")
    *blocks, rest = text.split("\n\n")
    require(not rest.strip("\n"), f"half an event at the end: {rest[:80]!r}")
    events = []
    for block in blocks:
        lines = [line for line in block.strip("\n").split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        name = lines.pop(0).removeprefix("event:").strip() if lines[0].startswith("event:") else ""
        require(len(lines) == 1 and lines[0].startswith("data:"), f"not one data line: {block[:80]!r}")
        events.append(Event(name, lines[0].removeprefix("data:").removeprefix(" ")))
    return events


def check(grammar: Grammar, stream: bytes | Iterable[Event]) -> None:
    """The whole stream. Raises GrammarError."""
    for event in events_of(stream) if isinstance(stream, bytes) else stream:
        try:
            grammar.event(event)
        except (KeyError, TypeError, AttributeError) as error:
            raise GrammarError(f"a field is missing, or of another type: {error!r}") from error
    grammar.end()


def violation_of(grammar: Grammar, stream: bytes | Iterable[Event]) -> str | None:
    """The first violation."""
    try:
        check(grammar, stream)
    except GrammarError as error:
        return str(error)
    return None


def an_object(event: Event) -> dict[str, Any]:
    """The event's data, which must be a JSON object."""
    try:
        document = json.loads(event.data)
    except ValueError as error:
        raise GrammarError(f"not JSON: {event.data[:80]!r}") from error
    require(isinstance(document, dict), f"not an object: {event.data[:80]!r}")
    return dict(document)


def is_count(value: object) -> bool:
    """A number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_json_object(text: str) -> bool:
    """Arguments of a tool call that came whole."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False

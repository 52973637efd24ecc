"""Thoughts and then text, as a model says them where a prompt ends in thoughts and nobody parses the answer. Pure."""

from __future__ import annotations

import re

from auriga_router.translate.events import Event, ReasoningDelta, TextDelta
from auriga_router.translate.stream import Decoder

_OPENING = re.compile(r"(?:<(\w+)>|\[(\w+)\])\s*\Z")
_LONGEST = 64


def closing_tag(prompt: str) -> str | None:
    """What ends the thoughts that a prompt ends in; None if it does not end in an opening tag."""
    match = _OPENING.search(prompt[-_LONGEST:])
    if match is None:
        return None
    return f"</{match[1]}>" if match[1] else f"[/{match[2]}]"


class Thinking:
    """A decoder of text whose beginning, up to a tag, is thoughts. White space around the tag is nobody's."""

    __slots__ = ("_decoder", "_held", "_tag", "_thinking", "dropped")

    def __init__(self, decoder: Decoder, tag: str) -> None:
        self._decoder = decoder
        self._tag = tag
        self._held = ""
        """White space, or what may be the beginning of the tag."""
        self._thinking: bool | None = True
        """None: they have ended, and nothing but white space came since."""
        self.dropped = decoder.dropped

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes say."""
        return self._sort(self._decoder.feed(data))

    def end(self) -> list[Event]:
        """What the end of the stream says."""
        return self._sort(self._decoder.end())

    def _sort(self, events: list[Event]) -> list[Event]:
        told: list[Event] = []
        for event in events:
            if isinstance(event, TextDelta):
                self._say(event, told)
                continue
            if self._thinking and self._held.strip():
                told.append(ReasoningDelta(self._held))  # it was no tag
            self._held = ""
            told.append(event)
        return told

    def _say(self, event: TextDelta, told: list[Event]) -> None:
        text = event.text
        if self._thinking:
            thought, tag, text = (self._held + text).partition(self._tag)
            sure = len(thought.rstrip()) if tag else _sure(thought, self._tag)
            self._held = "" if tag else thought[sure:]
            self._thinking = None if tag else True
            if sure:
                told.append(ReasoningDelta(thought[:sure]))
        if self._thinking is None:
            text = text.lstrip()
            self._thinking = None if not text else False
        if text and not self._thinking:
            told.append(TextDelta(text))


def _sure(thought: str, tag: str) -> int:
    """Up to where it is surely thought: not the beginning of the tag, nor white space that may stand before it."""
    places = range(max(len(thought) - len(tag) + 1, 0), len(thought))
    end = next((place for place in places if tag.startswith(thought[place:])), len(thought))
    return len(thought[:end].rstrip())

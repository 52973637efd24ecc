"""Is a JSON text that comes in pieces whole yet? Pure; keeps a few flags, never the text."""

from __future__ import annotations

import re

_MARK = re.compile(r'["{}\[\]]')
_IN_STRING = re.compile(r'["\\]')


class Completeness:
    """Follows the brackets of one JSON object or array."""

    __slots__ = ("_depth", "_escaped", "_in_string", "begun")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.begun = False
        """Something has come."""

    @property
    def whole(self) -> bool:
        """The outermost bracket is closed. A text without brackets is never known to be whole."""
        return self.begun and not self._depth and not self._in_string

    def feed(self, text: str) -> None:
        """More of the text."""
        place = 1 if self._escaped and text else 0
        self._escaped = self._escaped and not text
        while True:
            mark = (_IN_STRING if self._in_string else _MARK).search(text, place)
            if mark is None:
                return
            place = mark.end()
            found = mark[0]
            if found == "\\":
                self._escaped = place >= len(text)
                place += 1
            elif found == '"':
                self._in_string = not self._in_string
                self.begun = True
            else:
                self._depth += 1 if found in "{[" else -1
                self.begun = True

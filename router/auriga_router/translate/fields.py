"""Reading somebody's JSON object field by field. Pure.

What is not of its type raises RequestError with the path to it; what nobody asked for is noted as Dropped by ``end``.
``null`` is the same as absent, in every dialect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from auriga_router.translate.canonical import Json
from auriga_router.translate.numbers import whole
from auriga_router.translate.problems import Dropped, Path, RequestError


class Fields:
    """One JSON object of a caller's document."""

    __slots__ = ("_document", "_left", "notes", "path")

    def __init__(self, document: object, path: Path, notes: list[Dropped]) -> None:
        if not isinstance(document, dict):
            raise RequestError("must be an object", path)
        self._document: Json = document
        self._left = set(document)
        self.path = path
        self.notes = notes
        """Where ``end`` notes what was not asked for; shared by all objects of a document."""

    def at(self, *steps: str | int) -> Path:
        """The path to something in here."""
        return (*self.path, *steps)

    def error(self, message: str, *steps: str | int) -> RequestError:
        """What to raise about something in here."""
        return RequestError(message, self.at(*steps))

    def drop(self, name: str, reason: str = "") -> None:
        """Note that this field goes no further."""
        if self.raw(name) is not None:
            self.notes.append(Dropped(self.at(name), reason))

    def end(self) -> None:
        """Note whatever was not asked for."""
        for name in self._document:
            if name in self._left and self._document[name] is not None:
                self.notes.append(Dropped(self.at(name)))

    def default(self, name: str, value: object) -> None:
        """What a field is where it is absent."""
        self._document.setdefault(name, value)

    def raw(self, name: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """The value as it stands; None if absent."""
        self._left.discard(name)
        return self._document.get(name)

    def _typed(self, name: str, types: type | tuple[type, ...], what: str) -> Any:  # noqa: ANN401 - as `types` says
        value = self.raw(name)
        if value is None or (isinstance(value, types) and not (isinstance(value, bool) and types is not bool)):
            return value
        raise self.error(f"must be {what}", name)

    def text(self, name: str) -> str | None:
        """A string."""
        value: str | None = self._typed(name, str, "a string")
        return value

    def need_text(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise self.error("is required", name)
        return value

    def word(self, name: str, *words: str) -> str | None:
        """One of these words."""
        value = self.text(name)
        if value is not None and value not in words:
            raise self.error(f"must be one of {', '.join(words)}", name)
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value: bool | None = self._typed(name, bool, "true or false")
        return value

    def integer(self, name: str, least: int | None = None) -> int | None:
        """A whole number."""
        value = whole(self.raw(name))
        if value is None:
            self._typed(name, int, "a whole number")
        elif least is not None and value < least:
            raise self.error(f"must be at least {least}", name)
        return value

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number within these bounds."""
        value: float | None = self._typed(name, (int, float), "a number")
        if value is not None and not low <= value <= high:
            raise self.error(f"must be between {low:g} and {high:g}", name)
        return value

    def object(self, name: str) -> Fields | None:
        """An object."""
        value = self._typed(name, dict, "an object")
        return None if value is None else Fields(value, self.at(name), self.notes)

    def need_object(self, name: str) -> Fields:
        """An object that must be there."""
        value = self.object(name)
        if value is None:
            raise self.error("is required", name)
        return value

    def json(self, name: str) -> Json | None:
        """An object that goes on as it is."""
        value: Json | None = self._typed(name, dict, "an object")
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list."""
        for index, item in enumerate(self._typed(name, list, "a list") or ()):
            yield Fields(item, self.at(name, index), self.notes)

    def texts(self, name: str) -> tuple[str, ...]:
        """The strings of a list, or one string."""
        value = self._typed(name, (str, list), "a string or a list of strings")
        values = [value] if isinstance(value, str) else value or []
        for index, item in enumerate(values):
            if not isinstance(item, str):
                raise self.error("must be a string", name, index)
        return tuple(values)


def to_json(value: object) -> bytes:
    """JSON of what was read from JSON. Raises RequestError where it is nested deeper than orjson writes (254)."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise RequestError("is nested too deeply") from None


def parse(body: bytes) -> Fields:
    """A request's document. Raises RequestError."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    if not isinstance(document, dict):
        raise RequestError("the body must be a JSON object")
    return Fields(document, (), [])

"""Rules between fields, asked of an object in which some fields are wrong: pydantic asks when all are right."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Hashable, Iterable
from typing import Annotated, Any, NoReturn, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from auriga_api.manifests.documents import Path
from auriga_api.manifests.kinds import below, model_of
from auriga_api.manifests.messages import dotted
from auriga_api.rules import ListMap, ListSet, Rule, unique


def broken_rules(annotation: object, value: object) -> list[tuple[Path, str]]:
    """Where and what, for each rule that is broken whatever the wrong fields will become."""
    reading = _Reading()
    reading.part(annotation, value, ())
    return reading.found


class _UndecidedError(TypeError):
    """The answer depends on a field that is wrong."""


def _undecided(*_: object) -> NoReturn:
    raise _UndecidedError


class _Wrong:
    """In the place of a field that is there and wrong. All that can be said of it is that it is not None."""

    __getattr__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __contains__ = _undecided
    __lt__ = __le__ = __gt__ = __ge__ = __str__ = __getitem__ = _undecided


_WRONG = _Wrong()


class _Reading:
    """Reads as much of an object as is right."""

    def __init__(self) -> None:
        self.found: list[tuple[Path, str]] = []

    def part(self, annotation: object, value: object, path: Path) -> object:
        """The value if it is right; else with what is wrong in it marked as such."""
        if annotation is None:
            return _WRONG
        with contextlib.suppress(ValidationError):
            return _adapter(annotation).validate_python(value, by_alias=True, by_name=False)
        inside, model = below(annotation, value), model_of(annotation)
        if inside is None:
            return _WRONG
        parts = {key: self.part(kind, part, (*path, key)) for key, (kind, part) in inside.items()}
        read: object = list(parts.values()) if isinstance(value, list) else parts
        if model is not None:
            read = self._object(model, parts, path)
        self._ask(_rules(annotation), read, path)
        return read

    def _object(self, model: type[BaseModel], parts: dict[str, Any], path: Path) -> BaseModel:
        given = {alias: name for name, alias in _names(model).items() if parts.get(alias) is not None}
        read = {name: parts[alias] for alias, name in given.items()}
        for name, field in model.model_fields.items():
            if name not in read:
                read[name] = _WRONG if field.is_required() else field.get_default(call_default_factory=True)
        made = model.model_construct(_fields_set=set(given.values()), **read)
        self._ask(getattr(model, "rules", ()), made, path)
        return made

    def _ask(self, rules: Iterable[object], value: object, path: Path) -> None:
        for rule in rules:
            if isinstance(rule, Rule):
                with contextlib.suppress(TypeError):  # _UndecidedError is one; and what re says of what is no text
                    if not rule.holds(value):
                        self._say((*path, *filter(None, rule.field.split("."))), rule.message)
            elif isinstance(rule, (ListMap, ListSet)) and isinstance(value, list):
                self._repeated([_key(rule, item) for item in value], path)

    def _repeated(self, keys: list[Hashable], path: Path) -> None:
        try:
            unique(keys)
        except ValidationError as error:
            for detail in error.errors():
                self._say((*path, *detail["loc"]), detail["msg"])

    def _say(self, path: Path, message: str) -> None:
        self.found.append((path, f"{dotted(path)}: {message}"))


def _key(rule: ListMap | ListSet, item: object) -> Hashable:
    """By what an item of a list is known; what nobody knows equals nothing."""
    try:
        key: Hashable = getattr(item, rule.key) if isinstance(rule, ListMap) else item
        hash(key)
    except (TypeError, AttributeError):
        return object()
    return key


def _names(model: type[BaseModel]) -> dict[str, str]:
    return {name: field.alias or name for name, field in model.model_fields.items()}


def _rules(annotation: object) -> tuple[object, ...]:
    return tuple(get_args(annotation)[1:]) if get_origin(annotation) is Annotated else ()


_adapter = functools.lru_cache(maxsize=512)(TypeAdapter[Any])
"""Costly to make."""

"""Rules: what a schema cannot say, each declared once, for the API server (CEL) and for Python alike.

A rule stands beside the type or the field that it is about. A schema's own words (minimum, enum, maxItems ...) come
from pydantic's constraints; a pattern is a rule too, because the API server would answer with the bare expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

T = TypeVar("T")
Reason = Literal["FieldValueInvalid", "FieldValueRequired", "FieldValueForbidden"]
VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One condition in two languages: in ``Annotated`` about a field, in ``Schema.rules`` about an object."""

    cel: str
    """The condition over ``self``, as the API server evaluates it."""
    holds: Callable[[T], bool]
    """The same condition over the parsed value."""
    message: str
    """What to write instead. The API server puts the field's path before it."""
    field: str = ""
    """The field below ``self`` that the message is about, as YAML writes it: ``minReplicas``."""
    reason: Reason = "FieldValueInvalid"

    def validation(self) -> dict[str, str]:
        """The rule as an entry of x-kubernetes-validations."""
        entry = {"rule": self.cel, "message": self.message}
        if self.field:
            entry["fieldPath"] = f".{self.field}"
        if self.reason != "FieldValueInvalid":
            entry["reason"] = self.reason
        return entry

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json = handler(schema)
        return {**json, VALIDATIONS: [*json.get(VALIDATIONS, []), self.validation()]}

    def _checked(self, value: T) -> T:
        if not self.holds(value):
            raise PydanticCustomError("rule", self.message)
        return value


def matches(pattern: str, message: str) -> Rule[str]:
    """The whole text matches ``pattern``, in the syntax that RE2 and Python share (no look-around, no quotes)."""
    compiled = re.compile(pattern, re.ASCII)
    return Rule(f"self.matches(r'^({pattern})$')", lambda text: compiled.fullmatch(text) is not None, message)


def broken(rules: tuple[Rule[Any], ...], value: object) -> list[InitErrorDetails]:
    """What is wrong with ``value``, as pydantic's own errors."""
    return [
        failure(rule.message, tuple(rule.field.split(".")) if rule.field else ())
        for rule in rules
        if not rule.holds(value)
    ]


def failure(message: str, path: tuple[str | int, ...]) -> InitErrorDetails:
    """One error at ``path``. The value stays out of it: it may be a secret."""
    error = PydanticCustomError("rule", message)
    return InitErrorDetails(type=error, loc=path, input=None)


def without_nulls(value: object) -> object:
    """A mapping without what is null; anything else as it is."""
    return {key: part for key, part in value.items() if part is not None} if isinstance(value, dict) else value


NULL_IS_ABSENT = BeforeValidator(without_nulls)
"""What the API server makes of nulls in objects and maps, wherever the schema knows what stands there."""


@dataclass(frozen=True, slots=True)
class ListSet:
    """A list without duplicates, merged item by item by server-side apply."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(unique, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "set"}


@dataclass(frozen=True, slots=True)
class ListMap:
    """A list of objects that one field of theirs names, merged object by object by server-side apply."""

    key: str
    """A field whose name is the same in YAML and in Python."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}

    def _checked(self, items: list[T]) -> list[T]:
        unique([getattr(item, self.key) for item in items])
        return items


def unique(values: list[Hashable]) -> list[Hashable]:
    """The values. Raises pydantic's ValidationError, with the index of each that is there again."""
    seen: set[Hashable] = set()
    twice = []
    for index, value in enumerate(values):
        if value in seen:
            twice.append(failure(f'"{value}" is there twice: keep one of them', (index,)))
        seen.add(value)
    if twice:
        raise ValidationError.from_exception_data("list", twice)
    return values

"""What is wrong with an object, in plain words: pydantic's errors turned into one line that says what to write.

A value is repeated only where it cannot be a secret.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from auriga_api.manifests.documents import Path

_SECRETIVE = frozenset(
    ("headers", "env", "args", "data", "stringData", "credentialsSecretRef", "tokenSecretRef", "secretKeyRef")
)
_SHOWN = 60
_QUOTE = " (put it in quotes)"


def explain(kind: type[BaseModel], error: ValidationError) -> Iterator[tuple[Path, str]]:
    """Where and what, for each thing that is wrong with an object of ``kind``."""
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        yield path, ": ".join(part for part in (dotted(path), _message(kind, detail)) if part)


def dotted(path: Path) -> str:
    """``spec.members[0].model``"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def near(word: str, known: typing.Iterable[str], *, otherwise: bool = False) -> str:
    """``; did you mean "role"?``, or, if nothing is near, all known words when ``otherwise`` asks for them."""
    words = sorted(known)
    match = nearest(word, words)
    if match:
        return f'; did you mean "{match}"?'
    return f"; known: {', '.join(words)}" if otherwise and words else ""


def nearest(word: str, known: typing.Iterable[str]) -> str:
    """The known word that was probably meant, if one is near enough."""
    lower = {candidate.lower(): candidate for candidate in sorted(known, reverse=True)}
    match = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[match[0]] if match else ""


def _message(kind: type[BaseModel], detail: ErrorDetails) -> str:
    name, context, path = detail["type"], detail.get("ctx", {}), detail["loc"]
    if name == "extra_forbidden":
        return f"unknown field{near(str(path[-1]), fields_at(kind, path[:-1]), otherwise=True)}"
    if name == "missing":
        return f"required, but missing{_about(fields_at(kind, path[:-1]).get(str(path[-1])))}"
    if name == "literal_error":
        wanted = str(context["expected"]).replace("'", "")
        return f"write {wanted}{_instead_of(detail)}"
    if name in _TYPES:
        better = _refused_as_text(fields_at(kind, path[:-1]).get(str(path[-1])), detail)
        said = f"{better or f'write {_TYPES[name]}'}{_instead_of(detail)}"
        return said.removesuffix(_QUOTE) if better else said
    if name in _BOUNDS:
        return _BOUNDS[name].format(**context) + _instead_of(detail)
    # Ours: what to write instead is in the message already.
    return detail["msg"].removeprefix("Value error, ")


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "fields",
    "model_type": "fields",
    "model_attributes_type": "fields",
}
_BOUNDS = {
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "too_short": "needs at least {min_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "needs at least {min_length} character(s)",
    "string_too_long": "takes at most {max_length} characters",
}


def _about(field: FieldInfo | None) -> str:
    """``: the first sentence of its description``, or of what has fields those that it must have."""
    if field and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        below = field.annotation.model_fields.items()
        needs = [each.alias or name for name, each in below if each.is_required()]
        return f": write it with {' and '.join(needs)}" if needs else ""
    text = " ".join((field.description if field and field.description else "").split())
    return f": {text.partition('. ')[0].removesuffix('.')}" if text else ""


_SHAPES: dict[type, str] = {type(None): "nothing", list: "a list", dict: "fields"}


def _instead_of(detail: ErrorDetails) -> str:
    """``, not "3"``: what stands there now, if it is short and cannot be a secret."""
    value = detail["input"]
    if type(value) in _SHAPES:
        return f", not {_SHAPES[type(value)]}" if detail["type"] in _TYPES else ""
    if detail["type"] == "string_too_short" or _SECRETIVE.intersection(map(str, detail["loc"])):
        return ""
    if isinstance(value, str):
        return f', not "{value}"' if len(value) <= _SHOWN else ""
    if isinstance(value, bool):
        quoted = " (put yes, no, on and off in quotes to mean the word)" if detail["type"] == "string_type" else ""
        return f", not the boolean {str(value).lower()}{quoted}"
    if isinstance(value, (int, float)):
        quoted = _QUOTE if detail["type"] == "string_type" else ""
        return f", not the number {value}{quoted}"
    return ""


def _refused_as_text(field: FieldInfo | None, detail: ErrorDetails) -> str:
    """What would be said of a number if it stood in quotes: a duration of ``20`` lacks its unit. Empty if nothing."""
    if field is None or detail["type"] != "string_type" or type(detail["input"]) not in (int, float):
        return ""
    kind: typing.Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    try:
        TypeAdapter(kind).validate_python(str(detail["input"]))
    except ValidationError as error:
        return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
    return ""


def fields_at(annotation: object, path: Path) -> dict[str, FieldInfo]:
    """The fields, as YAML writes them, of the type at ``path`` below ``annotation``."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return fields_at(typing.get_args(annotation)[0], path)
    if origin in (types.UnionType, typing.Union):
        parts = [fields_at(part, path) for part in typing.get_args(annotation)]
        return {name: field for part in parts for name, field in part.items()}
    if origin in (list, dict):
        return fields_at(typing.get_args(annotation)[-1], path[1:])
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
    if not path:
        return fields
    field = fields.get(str(path[0]))
    return fields_at(field.annotation, path[1:]) if field else {}

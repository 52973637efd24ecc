"""The types of a resource, walked as the values are that should be of them."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def bare(annotation: object) -> object:
    """The type itself, without what is said about it, and without None."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return bare(parts[0]) if len(parts) == 1 else annotation
    return annotation


def model_of(annotation: object) -> type[BaseModel] | None:
    """The class whose fields stand here, if it is one."""
    kind = bare(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def aliases(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields, as YAML writes them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def annotated(field: FieldInfo) -> object:
    """The type of a field, with all that is said about it."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def below(annotation: object, value: object) -> dict[Any, tuple[object, Any]] | None:
    """The parts of a value: their type (None: nobody knows it), and they themselves. None: it is not of that type."""
    kind, model = bare(annotation), model_of(annotation)
    if isinstance(value, list) and get_origin(kind) is list:
        return {index: (get_args(kind)[0], part) for index, part in enumerate(value)}
    if isinstance(value, dict) and get_origin(kind) is dict:
        return {key: (get_args(kind)[1], part) for key, part in value.items()}
    if not isinstance(value, dict) or model is None:
        return None
    fields = aliases(model)
    return {key: (annotated(fields[key]) if key in fields else None, part) for key, part in value.items()}

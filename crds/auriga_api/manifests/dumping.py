"""Resources back to what a user would write: camelCase, without what is null, or empty by default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from auriga_api.base import ObjectMeta
from auriga_api.manifests.documents import write
from auriga_api.model import Model
from auriga_api.rolechain import RoleChain

_EMPTY: tuple[object, ...] = ("", [], {})


def dump(resources: Iterable[Model | RoleChain]) -> str:
    """YAML documents that ``parse`` reads to the same resources."""
    return write(plain(resource) for resource in resources)


def plain(resource: BaseModel) -> dict[str, Any]:
    """The resource as the API server stores it, its defaults filled in."""
    if isinstance(resource, ObjectMeta):
        return {"name": resource.name, "namespace": resource.namespace} | resource.model_dump(
            by_alias=True, exclude_defaults=True
        )
    fields = type(resource).model_fields.items()
    values = {field.alias or name: (_plain(getattr(resource, name)), field.get_default()) for name, field in fields}
    return {
        name: value
        for name, (value, default) in values.items()
        if value is not None and not (value in _EMPTY and _is_empty(default))
    }


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return plain(value)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _is_empty(default: object) -> bool:
    return default is not None and _plain(default) in _EMPTY

"""Misspelt fields, read as those that were meant: so that what is wrong below them is told in the same round."""

from __future__ import annotations

from typing import Any

from auriga_api.manifests.documents import Path
from auriga_api.manifests.kinds import aliases, below, model_of
from auriga_api.manifests.messages import nearest


def respelt(annotation: object, value: object, path: Path = ()) -> tuple[object, dict[Path, str]]:
    """The value with each field named as it was meant; and where a name changed, what is written there."""
    named, written = _named(annotation, value)
    names = {(*path, key): word for key, word in written.items()}
    inside = below(annotation, named)
    if inside is None:
        return named, names
    parts: dict[Any, Any] = {}
    for key, (kind, part) in inside.items():
        parts[key], inner = respelt(kind, part, (*path, key))
        names |= inner
    return list(parts.values()) if isinstance(value, list) else parts, names


def as_written(path: Path, names: dict[Path, str]) -> Path:
    """The path of the same field in the text."""
    return tuple(names.get(path[: index + 1], part) for index, part in enumerate(path))


def _named(annotation: object, value: object) -> tuple[object, dict[str, str]]:
    model = model_of(annotation)
    if model is None or model.model_config.get("extra") != "forbid" or not isinstance(value, dict):
        return value, {}
    fields, written = aliases(model), dict[str, str]()
    for key in value:
        meant = "" if key in fields else nearest(key, fields.keys() - value.keys() - written.keys())
        if meant:
            written[meant] = key
    meanings = {word: meant for meant, word in written.items()}
    return {meanings.get(key, key): part for key, part in value.items()}, written

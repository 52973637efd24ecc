"""Merges a partial pod template into a whole one as ``kubectl patch`` does: lists of named things by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "resourceClaims": ("name",),
    "ports": ("containerPort",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""Field -> what names an item of it. Any other list is replaced as a whole, as Kubernetes does."""

_ONE_OF = frozenset(("volumes",))
"""Lists whose items hold one of several sources: a given item replaces the known one, or it would have two."""


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``patch`` over it; null removes."""
    result = dict(base)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            known = result.get(name)
            result[name] = merged(known if isinstance(known, Mapping) else {}, value)
        elif isinstance(value, list) and name in _MERGE_KEYS:
            result[name] = _merged_list(name, result.get(name) or [], value)
        else:
            result[name] = value
    return result


def _merged_list(name: str, base: list[Any], patch: list[Any]) -> list[Any]:
    keys = _MERGE_KEYS[name]
    if not all(isinstance(item, Mapping) and keys[0] in item for item in [*base, *patch]):
        return patch
    result = {tuple(item.get(key) for key in keys): dict(item) for item in base}
    for item in patch:
        at = tuple(item.get(key) for key in keys)
        result[at] = dict(item) if name in _ONE_OF else merged(result.get(at, {}), item)
    return list(result.values())

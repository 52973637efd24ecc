"""Whether an object still is what was applied. Pure.

What others added is theirs; only what was applied must still stand. The API server writes some values in its own way
(``1000m`` becomes ``1``, an empty list is left out), which is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auriga_api.quantity import parse_quantity
from auriga_operator import labels
from auriga_operator.resources import Object

_QUANTITIES = frozenset(("limits", "requests", "sizeLimit", "divisor", "overhead"))
_SERVER_SIDE = frozenset(("status", "apiVersion", "kind"))


def up_to_date(live: Object, wanted: Object) -> bool:
    """Whether ``wanted`` was what was applied last, and still stands in ``live``."""
    was, now = (each["metadata"].get("annotations") or {} for each in (live, wanted))
    if was.get(labels.APPLIED) != now.get(labels.APPLIED):
        return False
    return all(_stands(live.get(name), value, name) for name, value in wanted.items() if name not in _SERVER_SIDE)


def _stands(live: object, wanted: object, field: str) -> bool:
    if live == wanted:
        return True  # most of an object; what follows is for the rest
    if isinstance(wanted, dict):
        return _map_stands(live or {}, wanted, field)
    if isinstance(wanted, list):
        return not wanted or (isinstance(live, list) and _list_stands(live, wanted, field))
    if field in _QUANTITIES:
        return _same_quantity(live, wanted)
    # The API server leaves out false, 0 and "" where they mean the same as nothing.
    return not live and not wanted


def _map_stands(live: object, wanted: Mapping[str, Any], field: str) -> bool:
    """Others may have added entries."""
    if not isinstance(live, dict):
        return False
    quantities = field in _QUANTITIES
    return all(_stands(live.get(name), value, field if quantities else name) for name, value in wanted.items())


def _list_stands(live: list[Any], wanted: list[Any], field: str) -> bool:
    """Named items may have others between them; any other list must be the same."""
    if all(isinstance(item, dict) and "name" in item for item in [*live, *wanted]):
        by_name = {item["name"]: item for item in live}
        return all(_stands(by_name.get(item["name"]), item, field) for item in wanted)
    if len(live) != len(wanted):
        return False
    return all(_stands(one, other, field) for one, other in zip(live, wanted, strict=True))


def _same_quantity(live: object, wanted: object) -> bool:
    try:
        return parse_quantity(str(live)) == parse_quantity(str(wanted))
    except ValueError:
        return bool(live == wanted)

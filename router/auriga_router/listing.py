"""``GET /v1/models``: every name that callers may send, in the shape of OpenAI or of Anthropic. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from auriga_router.steps import joined, ordered
from auriga_router.table import Chain, RoutingTable

_LONG_AGO = "1970-01-01T00:00:00Z"
"""Anthropic's own answer for a model whose age is not known."""


def model_steps(table: RoutingTable) -> Iterator[bytes]:
    """Roles, synonyms and Models, each under the shortest name that means it. In steps."""
    yield b'{"object":"list","data":['
    yield from _objects(table, model_object)
    yield b"]}"


def model_object(name: str, chain: Chain) -> dict[str, Any]:
    """One name. OpenAI's clients demand the first four fields; ``auriga`` says what it stands for."""
    namespace, _, own = chain.key.partition("/")
    bare = name.rpartition("/")[2]
    kind = "Model" if not chain.is_role else "role" if bare == chain.role else "synonym"
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "auriga",
        "auriga": {
            "kind": kind,
            "namespace": namespace,
            "name": own,
            "members": [member.backend.name for member in chain.members],
        },
    }


def anthropic_steps(table: RoutingTable) -> Iterator[bytes]:
    """The same for Anthropic's clients, on one page."""
    ends: list[str] = []

    def written(name: str, chain: Chain) -> dict[str, Any]:
        ends[1:] = [name]
        return anthropic_object(name, chain)

    yield b'{"data":['
    yield from _objects(table, written)
    first, last = (ends[0], ends[-1]) if ends else (None, None)
    yield b'],"has_more":false,"first_id":%s,"last_id":%s}' % (orjson.dumps(first), orjson.dumps(last))


def anthropic_object(name: str, chain: Chain) -> dict[str, Any]:
    """One name, as Anthropic has it."""
    told = model_object(name, chain)["auriga"]
    return {"type": "model", "id": name, "display_name": name, "created_at": _LONG_AGO, "auriga": told}


def _objects(table: RoutingTable, write: Callable[[str, Chain], dict[str, Any]]) -> Iterator[bytes]:
    return joined(None if entry is None else orjson.dumps(write(*entry)) for entry in _names(table))


def _names(table: RoutingTable) -> Iterator[tuple[str, Chain] | None]:
    """In their order; None for a pause."""
    return ordered(table.names.items(), _place, lambda entry: _is_shortest(entry, table))


def _is_shortest(entry: tuple[str, Chain], table: RoutingTable) -> bool:
    name, chain = entry
    return "/" not in name or table.names.get(name.rpartition("/")[2]) is not chain


def _place(entry: tuple[str, Chain]) -> tuple[bool, str, bool, str]:
    """RoleChains before Models, and a role before its synonyms."""
    name, chain = entry
    return not chain.is_role, chain.key, name.rpartition("/")[2] != chain.role, name

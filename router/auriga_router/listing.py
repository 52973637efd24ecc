"""``GET /v1/models``: every name that callers may send, in the shape of OpenAI or of Anthropic. Pure."""

from __future__ import annotations

from typing import Any

from auriga_router.table import Chain, RoutingTable

_LONG_AGO = "1970-01-01T00:00:00Z"
"""Anthropic's own answer for a model whose age is not known."""


def model_list(table: RoutingTable) -> dict[str, Any]:
    """Roles, synonyms and Models, each under the shortest name that means it."""
    return {"object": "list", "data": [model_object(name, chain) for name, chain in _names(table)]}


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


def anthropic_list(table: RoutingTable) -> dict[str, Any]:
    """The same for Anthropic's clients, on one page."""
    data = [anthropic_object(name, chain) for name, chain in _names(table)]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": False, **ends}


def anthropic_object(name: str, chain: Chain) -> dict[str, Any]:
    """One name, as Anthropic has it."""
    told = model_object(name, chain)["auriga"]
    return {"type": "model", "id": name, "display_name": name, "created_at": _LONG_AGO, "auriga": told}


def _names(table: RoutingTable) -> list[tuple[str, Chain]]:
    shortest = (
        (name, chain)
        for name, chain in table.names.items()
        if "/" not in name or table.names.get(name.rpartition("/")[2]) is not chain
    )
    return sorted(shortest, key=_place)


def _place(entry: tuple[str, Chain]) -> tuple[bool, str, bool, str]:
    """RoleChains before Models, and a role before its synonyms."""
    name, chain = entry
    return not chain.is_role, chain.key, name.rpartition("/")[2] != chain.role, name

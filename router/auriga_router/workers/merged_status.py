"""What several workers say of readiness and status, as one router says it. Pure.

Numbers are added up. Where they differ in what they think of an endpoint, the worst is told: who thinks well of it
may only not have asked it lately. The order of workers decides what is left, so that each of them tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Document = dict[str, Any]

_BREAKERS = ("Closed", "RateLimited", "HalfOpen", "Open")
"""From well to ill."""


def readiness(told: Mapping[int, Document | None]) -> tuple[bool, Document]:
    """Ready while one worker is. ``told``: the document of each worker by its number; None of those not reached."""
    documents = [document for document in told.values() if document is not None]
    ready = any(document["ready"] for document in documents)
    roles: Document = {}
    for document in documents:
        for role, model in document["roles"].items():
            roles[role] = roles.get(role) or model
    return ready, {"ready": ready, "roles": dict(sorted(roles.items())), "workers": _states(told)}


def status(told: Mapping[int, Document | None]) -> Document:
    """Models and RoleChains as all workers see them."""
    documents = [document for document in told.values() if document is not None]
    return {
        "models": _merged((document["models"] for document in documents), _model),
        "roleChains": _merged((document["roleChains"] for document in documents), _chain),
        "workers": {str(number): "up" if document is not None else "unreachable" for number, document in told.items()},
    }


def _states(told: Mapping[int, Document | None]) -> Document:
    return {
        str(number): "unreachable" if document is None else "ready" if document["ready"] else "not ready"
        for number, document in told.items()
    }


def _merged(lists: Iterable[Sequence[Document]], merge: Callable[[Sequence[Document]], Document]) -> list[Document]:
    """Objects by namespace and name; while a change spreads, not every worker knows all of them."""
    same: dict[tuple[str, str], list[Document]] = {}
    for objects in lists:
        for each in objects:
            same.setdefault((each["namespace"], each["name"]), []).append(each)
    return [merge(same[key]) for key in sorted(same)]


def _model(views: Sequence[Document]) -> Document:
    worst = _first(views, lambda view: view["reason"] != "Ready")
    same: dict[str, list[Document]] = {}
    for view in views:
        for endpoint in view["endpoints"]:
            same.setdefault(endpoint["address"], []).append(endpoint)
    return worst | {
        "queued": sum(view["queued"] for view in views),
        "endpoints": [_endpoint(address, each) for address, each in same.items()],
    }


def _endpoint(address: str, views: Sequence[Document]) -> Document:
    return {
        "address": address,
        "inFlight": sum(view["inFlight"] for view in views),
        "breaker": max((view["breaker"] for view in views), key=_BREAKERS.index),
    }


def _chain(views: Sequence[Document]) -> Document:
    """The members are those of the first: only while it is edited do others have others."""
    first = views[0]
    models = [member["model"] for member in first["members"]]
    alike = [view["members"] for view in views if [member["model"] for member in view["members"]] == models]
    members = [_member(of_all) for of_all in zip(*alike, strict=True)]
    active = next((member["model"] for member in members if member["ready"]), None)
    return first | {"ready": active is not None, "activeMember": active, "members": members}


def _member(views: Sequence[Document]) -> Document:
    worst = _first(views, lambda view: not view["ready"])
    return worst | {"readyEndpoints": min(view["readyEndpoints"] for view in views)}


def _first(views: Sequence[Document], ill: Callable[[Document], bool]) -> Document:
    return next((view for view in views if ill(view)), views[0])

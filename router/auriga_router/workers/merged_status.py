"""What several workers say of readiness and status, as one router says it. Pure: lines in, JSON out, in steps.

Numbers are added up. Where they differ in what they think of an endpoint, the worst is told: who thinks well of it
may only not have asked it lately. The order of workers decides what is left, so that each of them tells the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from auriga_router.snapshot import Snapshot
from auriga_router.status import models, readiness_steps, role_chains, roles
from auriga_router.steps import freed, joined, ordered
from auriga_router.table import RoutingTable
from auriga_router.workers import lines
from auriga_router.workers.lines import Line

Document = dict[str, Any]
_Key = tuple[str, str]

_BREAKERS = ("Closed", "RateLimited", "HalfOpen", "Open")
"""From well to ill."""


_MODELS, _CHAINS, _READY, _ROLES = "models", "roleChains", "ready", "roles"


def told(snapshot: Snapshot, table: RoutingTable, now: float) -> Iterator[bytes]:
    """What one worker has to tell of its status."""
    yield from lines.several(_MODELS, models(snapshot, table, now))
    yield from lines.several(_CHAINS, role_chains(table, now))


def told_readiness(ready: bool, table: RoutingTable, now: float) -> Iterator[bytes]:
    """And of its readiness."""
    yield lines.write(_READY, [ready])
    yield from lines.several(_ROLES, roles(table, now))


class Readiness:
    """Ready while one worker is."""

    def __init__(self) -> None:
        self.ready = False
        self._roles: dict[str, str | None] = {}
        self._workers: dict[int, str] = {}

    def add(self, worker: int, line: Line | None) -> None:
        """Put a line of this worker in; None: it does not answer."""
        if line is None:
            self._workers[worker] = "unreachable"
        elif line.name == _READY:
            (ready,) = line.rows
            self.ready = self.ready or ready
            self._workers[worker] = "ready" if ready else "not ready"
        else:
            for role, model in line.rows:
                self._roles[role] = self._roles.get(role) or model

    def steps(self) -> Iterator[bytes]:
        """As JSON."""
        found = (None if role is None else (role, self._roles[role]) for role in ordered(self._roles, str))
        yield from readiness_steps(self.ready, found, b',"workers":%s' % _by_number(self._workers))


class Status:
    """Models and RoleChains as all workers see them."""

    def __init__(self) -> None:
        self._views: dict[str, dict[_Key, list[Document]]] = {_MODELS: {}, _CHAINS: {}}
        self._workers: dict[int, str] = {}

    def add(self, worker: int, line: Line | None) -> None:
        """Put a line of this worker in; None: it does not answer."""
        self._workers[worker] = "unreachable" if line is None else "up"
        if line is not None:
            views = self._views[line.name]
            for each in line.rows:  # while a change spreads, not every worker knows all of them
                views.setdefault((each["namespace"], each["name"]), []).append(each)

    def steps(self) -> Iterator[bytes]:
        """As JSON. What is written is forgotten."""
        yield b'{"models":['
        yield from joined(_merged(self._views[_MODELS], _model))
        yield b'],"roleChains":['
        yield from joined(_merged(self._views[_CHAINS], _chain))
        yield b'],"workers":%s}' % _by_number(self._workers)

    def let_go(self) -> Iterator[None]:
        """Forget what is left, in steps: to free all of it at once takes too long."""
        for views in self._views.values():
            yield from freed(views)


def _by_number(workers: Mapping[int, str]) -> bytes:
    return orjson.dumps({str(number): how for number, how in workers.items()})


def _merged(views: dict[_Key, list[Document]], merge: Callable[[list[Document]], Document]) -> Iterator[bytes | None]:
    for key in ordered(views, tuple):
        yield None if key is None else orjson.dumps(merge(views.pop(key)))


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

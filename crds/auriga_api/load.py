"""The load signal: what a router tells of its load, and what many routers tell together. Pure; JSON both ways.

A stream of lines: the first one ``full``, each later one with what has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any


class LoadError(ValueError):
    """A line that is no load signal."""


@dataclass(frozen=True, slots=True)
class EndpointLoad:
    """One endpoint as one router sees it: whose pod goes first, and whose prompt cache is coldest."""

    in_flight: int = 0
    """Requests that it works on."""
    idle: float | None = None
    """Seconds since it last got a request; None: it never got one."""


_NONE: Mapping[str, EndpointLoad] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ModelLoad:
    """The load of one Model. ``ModelLoad()`` is that of a Model that nobody has asked."""

    in_flight: int = 0
    """Requests that its endpoints work on, at the moment since the last report when both together were most."""
    queued: int = 0
    """Requests that wait for it, for a slot or for its start; at the same moment."""
    requests: int = 0
    """Requests that wanted it since the router started: sent to it, or found it cold. Its growth is what counts."""
    slots: int = 0
    """Requests that it can work on at once; 0: unknown."""
    idle: float | None = None
    """Seconds since a request last wanted it, when this was told; None: none ever did."""
    endpoints: Mapping[str, EndpointLoad] = field(default_factory=lambda: _NONE)
    """By ``host:port``."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """One line of the stream."""

    router: str
    """Who tells it."""
    models: Mapping[str, ModelLoad | None] = field(default_factory=lambda: MappingProxyType({}))
    """``namespace/name`` -> its load; None: the router does not know this Model any more."""
    full: bool = False
    """All that is known (a Model that is left out has no load), and not only what has changed."""


def merge(state: Mapping[str, ModelLoad], report: LoadReport) -> dict[str, ModelLoad]:
    """What one router's Models have to do after this report; ``state``: what they had before."""
    merged = {} if report.full else dict(state)
    for model, load in report.models.items():
        if load is None:
            merged.pop(model, None)
        else:
            merged[model] = load
    return merged


def total(loads: Iterable[ModelLoad]) -> ModelLoad:
    """The load of one Model over several routers.

    Each router knows all of its slots, so those are not added up: the largest number counts. ``idle`` is the shortest.
    ``requests`` falls when a router leaves and jumps when one comes: for growth, compare each router with itself.
    """
    every = list(loads)
    endpoints: dict[str, EndpointLoad] = {}
    for load in every:
        for address, endpoint in load.endpoints.items():
            known = endpoints.get(address)
            endpoints[address] = endpoint if known is None else _both(known, endpoint)
    return ModelLoad(
        in_flight=sum(load.in_flight for load in every),
        queued=sum(load.queued for load in every),
        requests=sum(load.requests for load in every),
        slots=max((load.slots for load in every), default=0),
        idle=_shortest(load.idle for load in every),
        endpoints=endpoints,
    )


def aged(load: ModelLoad, seconds: float) -> ModelLoad:
    """The load so many seconds after it was told, if nobody has asked since."""
    passed = max(0.0, seconds)
    endpoints = {
        address: EndpointLoad(each.in_flight, None if each.idle is None else each.idle + passed)
        for address, each in load.endpoints.items()
    }
    return replace(load, idle=None if load.idle is None else load.idle + passed, endpoints=endpoints)


def grown(earlier: ModelLoad, later: ModelLoad) -> int:
    """Requests between two states of one router: all of them, if it has counted anew."""
    return later.requests - (earlier.requests if earlier.requests <= later.requests else 0)


def write_report(report: LoadReport) -> bytes:
    """One line, its end included."""
    return write_head(report.router, full=report.full) + write_models(report.models) + END


END = b"}}\n"
"""What follows the Models of a line."""


def write_head(router: str, *, full: bool) -> bytes:
    """What comes before the Models of a line. Together with ``write_models`` for a line that is written in pieces."""
    return b'{"router":%s,%s"models":{' % (json.dumps(router).encode(), b'"full":true,' if full else b"")


def write_models(models: Mapping[str, ModelLoad | None]) -> bytes:
    """Models of a line; where several such pieces are put together, commas go between them."""
    documents = {model: None if load is None else _model_document(load) for model, load in models.items()}
    return json.dumps(documents, separators=(",", ":")).encode()[1:-1]


def read_report(line: bytes) -> LoadReport:
    """The other way. Fields that are not known are passed over: routers and operators are of different versions while
    they are upgraded. Raises LoadError."""
    try:
        document = json.loads(line)
        models = {str(model): None if load is None else _model_load(load) for model, load in document["models"].items()}
        return LoadReport(str(document["router"]), models, document.get("full") is True)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"no load signal: {type(error).__name__}: {error}") from None


def _both(one: EndpointLoad, other: EndpointLoad) -> EndpointLoad:
    return EndpointLoad(one.in_flight + other.in_flight, _shortest((one.idle, other.idle)))


def _shortest(times: Iterable[float | None]) -> float | None:
    return min((time for time in times if time is not None), default=None)


def _model_document(load: ModelLoad) -> dict[str, Any]:
    document: dict[str, Any] = {
        "inFlight": load.in_flight,
        "queued": load.queued,
        "requests": load.requests,
        "slots": load.slots,
    }
    endpoints = {
        address: {"inFlight": each.in_flight} | _idle_document(each.idle) for address, each in load.endpoints.items()
    }
    return document | _idle_document(load.idle) | ({"endpoints": endpoints} if endpoints else {})


def _idle_document(idle: float | None) -> dict[str, Any]:
    return {} if idle is None else {"idle": round(idle, 3)}


def _model_load(document: Mapping[str, Any]) -> ModelLoad:
    endpoints = {
        str(address): EndpointLoad(_count(each, "inFlight"), _idle(each))
        for address, each in document.get("endpoints", {}).items()
    }
    return ModelLoad(
        _count(document, "inFlight"),
        _count(document, "queued"),
        _count(document, "requests"),
        _count(document, "slots"),
        _idle(document),
        endpoints or _NONE,
    )


def _count(document: Mapping[str, Any], name: str) -> int:
    number = int(document.get(name, 0))
    if number < 0:
        raise ValueError(f"{name} is {number}")
    return number


def _idle(document: Mapping[str, Any]) -> float | None:
    idle = document.get("idle")
    return None if idle is None else max(0.0, float(idle))

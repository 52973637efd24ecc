"""``/metrics``: the router's counters in Prometheus' format. Formatted only when they are scraped, a piece at a time.

OpenTelemetry's GenAI names (dots as underscores) where it has one, ``auriga_*`` where it has none.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from prometheus_client.core import Metric

from auriga_router.endpoint import Endpoint
from auriga_router.families import Family, Kind, Labels, Rows, metrics, times
from auriga_router.ports import Clock
from auriga_router.routing.gate import is_open
from auriga_router.routing.outcome import Outcome
from auriga_router.table import Backend, RoutingTable
from auriga_router.tally import Tally

_LABELS: Final = ("namespace", "gen_ai_request_model", "gen_ai_response_model")
"""The role (empty where a Model was called by its own name) and the Model that answered."""
_MODEL: Final = ("namespace", "gen_ai_response_model")
_ENDPOINT: Final = (*_MODEL, "server_address")


class View(NamedTuple):
    """What there is to tell of."""

    table: RoutingTable
    refused: Mapping[tuple[int, str], int]
    connections: Callable[[], int]
    now: Clock


class Metrics:
    """Reads a router's counters."""

    def __init__(
        self,
        table: Callable[[], RoutingTable],
        refused: Callable[[], Mapping[tuple[int, str], int]],
        connections: Callable[[], int],
        now: Clock,
    ) -> None:
        self._table = table
        self._refused = refused
        self._connections = connections
        self._now = now

    def view(self) -> View:
        """What ``FAMILIES`` are read from."""
        return View(self._table(), self._refused(), self._connections, self._now)

    def collect(self) -> Iterator[Metric]:
        """All metrics in pieces (see ``families.metrics``)."""
        return metrics(FAMILIES, self.view())


def _tallies(view: View) -> Iterator[tuple[Labels, Tally]]:
    for chain in view.table.all_chains:
        for member in chain.members:
            tally = member.tally
            yield (tally.namespace, tally.role, tally.model), tally


def _attempts(view: View) -> Rows:
    for labels, tally in _tallies(view):
        yield None
        if any(tally.outcomes):
            for outcome in Outcome:
                if number := tally.outcomes[outcome.ordinal]:
                    yield (*labels, outcome.value), number


def _replies(view: View) -> Rows:
    for chain in view.table.all_chains:
        yield None
        for status, number in tuple(chain.replies.items()):  # there may be new ones while this pauses
            yield (chain.namespace, chain.role, str(status)), number


def _refusals(view: View) -> Rows:
    """Without the name that was asked for: callers could make up any number of them."""
    for (status, code), number in tuple(view.refused.items()):
        yield (str(status), code), number


def _backends(view: View) -> Iterator[tuple[Labels, Backend]]:
    return (((backend.namespace, backend.name), backend) for backend in view.table.backends.values())


def _endpoints(view: View) -> Iterator[tuple[Labels, Endpoint]]:
    for labels, backend in _backends(view):
        for endpoint in backend.endpoints:
            yield (*labels, endpoint.name), endpoint


def _asked(number: Callable[[Backend], int]) -> Callable[[View], Rows]:
    """What ``/load`` tells, as far as it fits here: of Models that were asked."""

    def rows(view: View) -> Rows:
        for labels, backend in _backends(view):
            yield (labels, number(backend)) if backend.slots.requests or backend.slots.waiting else None

    return rows


def _depth(view: View) -> Rows:
    for labels, backend in _backends(view):
        slots = backend.slots
        yield (labels, slots.waiting) if slots.waited.counts or slots.waiting else None


FAMILIES: Final[tuple[Family[View], ...]] = (
    Family(
        "auriga_attempts",
        "Attempts that ended, by outcome.",
        (*_LABELS, "outcome"),
        Kind.COUNTER,
        _attempts,
    ),
    Family(
        "gen_ai_server_request_duration_seconds",
        "Time of attempts that answered, to their end.",
        _LABELS,
        Kind.HISTOGRAM,
        lambda view: (times(labels, tally.duration) for labels, tally in _tallies(view)),
    ),
    Family(
        "gen_ai_server_time_to_first_token_seconds",
        "Time from a request to the stream's first content.",
        _LABELS,
        Kind.HISTOGRAM,
        lambda view: (times(labels, tally.first_token) for labels, tally in _tallies(view)),
    ),
    Family(
        "auriga_replies",
        "Replies to callers, by status.",
        ("namespace", "gen_ai_request_model", "status"),
        Kind.COUNTER,
        _replies,
    ),
    Family(
        "auriga_refusals",
        "Requests that led to no role or Model, by status and code.",
        ("status", "code"),
        Kind.COUNTER,
        _refusals,
    ),
    Family(
        "auriga_endpoint_in_flight",
        "Requests under way at an endpoint.",
        _ENDPOINT,
        Kind.GAUGE,
        lambda view: ((labels, endpoint.in_flight) for labels, endpoint in _endpoints(view)),
    ),
    Family(
        "auriga_endpoint_open",
        "1 if breaker and gate let requests through.",
        _ENDPOINT,
        Kind.GAUGE,
        lambda view: ((labels, is_open(endpoint.gate, view.now())) for labels, endpoint in _endpoints(view)),
        # A process whose breaker is closed may only not know yet: one whose breaker is open has seen failures.
        together=min,
    ),
    Family("auriga_queue_depth", "Requests that wait for a slot of a Model.", _MODEL, Kind.GAUGE, _depth),
    Family(
        "auriga_queue_time_seconds",
        "Time that requests waited for a slot.",
        _MODEL,
        Kind.HISTOGRAM,
        lambda view: (times(labels, backend.slots.waited) for labels, backend in _backends(view)),
    ),
    Family(
        "auriga_model_in_flight",
        "Requests that a Model works on.",
        _MODEL,
        Kind.GAUGE,
        _asked(lambda backend: backend.slots.in_flight),
    ),
    Family(
        "auriga_model_queued",
        "Requests that wait for a slot or a start.",
        _MODEL,
        Kind.GAUGE,
        _asked(lambda backend: backend.slots.waiting),
    ),
    Family(
        "auriga_model_requests",
        "Requests that were sent to a Model, or found that it has no endpoint.",
        _MODEL,
        Kind.COUNTER,
        _asked(lambda backend: backend.slots.requests),
    ),
    Family(
        "auriga_connections",
        "Connections of callers that are open.",
        (),
        Kind.GAUGE,
        lambda view: iter([((), view.connections())]),
    ),
)

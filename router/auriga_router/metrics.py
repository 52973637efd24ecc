"""``/metrics``: the router's counters in Prometheus' format. Formatted only when they are scraped, a piece at a time.

OpenTelemetry's GenAI names (dots as underscores) where it has one, ``auriga_*`` where it has none.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from auriga_router.endpoint import Endpoint
from auriga_router.exposition import pieces
from auriga_router.ports import Clock
from auriga_router.routing.gate import is_open
from auriga_router.routing.outcome import Outcome
from auriga_router.table import Backend, Chain, RoutingTable
from auriga_router.tally import SECONDS, Histogram, Tally

_LABELS = ("namespace", "gen_ai_request_model", "gen_ai_response_model")
"""The role (empty where a Model was called by its own name) and the Model that answered."""
_QUEUE = ("namespace", "gen_ai_response_model")


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

    def collect(self) -> Iterator[Metric]:
        """All metrics in pieces (see ``exposition.pieces``), each as it is when that is asked for."""
        table = self._table()
        yield from _attempts(table)
        yield from _replies(table)
        yield _refusals(self._refused())
        yield from _endpoints(table, self._now)
        yield from _queues(table)
        yield from _loads(table)
        connections = GaugeMetricFamily("auriga_connections", "Connections of callers that are open.")
        connections.add_metric((), self._connections())
        yield connections


def _attempts(table: RoutingTable) -> Iterator[Metric]:
    attempts = partial(
        CounterMetricFamily, "auriga_attempts", "Attempts that ended, by outcome.", labels=(*_LABELS, "outcome")
    )
    duration = partial(
        HistogramMetricFamily,
        "gen_ai_server_request_duration_seconds",
        "Time of attempts that answered, to their end.",
        labels=_LABELS,
    )
    first_token = partial(
        HistogramMetricFamily,
        "gen_ai_server_time_to_first_token_seconds",
        "Time from a request to the stream's first content.",
        labels=_LABELS,
    )
    yield from pieces(attempts, _tallies(table), _add_outcomes)
    yield from pieces(duration, _tallies(table), lambda family, tally: _add(family, _names(tally), tally.duration))
    yield from pieces(
        first_token, _tallies(table), lambda family, tally: _add(family, _names(tally), tally.first_token)
    )


def _tallies(table: RoutingTable) -> Iterator[Tally]:
    return (member.tally for chain in table.all_chains for member in chain.members)


def _names(tally: Tally) -> tuple[str, str, str]:
    return tally.namespace, tally.role, tally.model


def _add_outcomes(family: CounterMetricFamily, tally: Tally) -> None:
    if any(tally.outcomes):
        for outcome in Outcome:
            if tally.outcomes[outcome.ordinal]:
                family.add_metric((*_names(tally), outcome.value), tally.outcomes[outcome.ordinal])


def _add(family: HistogramMetricFamily, labels: tuple[str, ...], histogram: Histogram) -> None:
    if histogram.counts:
        bounds = [*(str(bound) for bound in SECONDS), "+Inf"]
        family.add_metric(labels, list(zip(bounds, accumulate(histogram.counts), strict=True)), histogram.total)


def _replies(table: RoutingTable) -> Iterator[Metric]:
    def add(family: CounterMetricFamily, chain: Chain) -> None:
        for status, number in chain.replies.items():
            family.add_metric((chain.namespace, chain.role, str(status)), number)

    labels = ("namespace", "gen_ai_request_model", "status")
    replies = partial(CounterMetricFamily, "auriga_replies", "Replies to callers, by status.", labels=labels)
    return pieces(replies, table.all_chains, add)


def _refusals(refused: Mapping[tuple[int, str], int]) -> Metric:
    """Without the name that was asked for: callers could make up any number of them."""
    refusals = CounterMetricFamily(
        "auriga_refusals", "Requests that led to no role or Model, by status and code.", labels=("status", "code")
    )
    for (status, code), number in refused.items():
        refusals.add_metric((str(status), code), number)
    return refusals


def _queues(table: RoutingTable) -> Iterator[Metric]:
    def add_depth(family: GaugeMetricFamily, backend: Backend) -> None:
        if backend.slots.waited.counts or backend.slots.waiting:
            family.add_metric((backend.namespace, backend.name), backend.slots.waiting)

    def add_waited(family: HistogramMetricFamily, backend: Backend) -> None:
        _add(family, (backend.namespace, backend.name), backend.slots.waited)

    depth = partial(GaugeMetricFamily, "auriga_queue_depth", "Requests that wait for a slot of a Model.", labels=_QUEUE)
    waited = partial(
        HistogramMetricFamily, "auriga_queue_time_seconds", "Time that requests waited for a slot.", labels=_QUEUE
    )
    yield from pieces(depth, table.backends.values(), add_depth)
    yield from pieces(waited, table.backends.values(), add_waited)


def _loads(table: RoutingTable) -> Iterator[Metric]:
    """What ``/load`` tells, as far as it fits here."""

    def add(family: GaugeMetricFamily | CounterMetricFamily, backend: Backend, number: float) -> None:
        if backend.slots.requests or backend.slots.waiting:
            family.add_metric((backend.namespace, backend.name), number)

    in_flight = partial(GaugeMetricFamily, "auriga_model_in_flight", "Requests that a Model works on.", labels=_QUEUE)
    queued = partial(
        GaugeMetricFamily, "auriga_model_queued", "Requests that wait for a slot or a start.", labels=_QUEUE
    )
    requests = partial(
        CounterMetricFamily,
        "auriga_model_requests",
        "Requests that were sent to a Model, or found that it has no endpoint.",
        labels=_QUEUE,
    )
    backends = table.backends.values()
    yield from pieces(in_flight, backends, lambda family, backend: add(family, backend, backend.slots.in_flight))
    yield from pieces(queued, backends, lambda family, backend: add(family, backend, backend.slots.waiting))
    yield from pieces(requests, backends, lambda family, backend: add(family, backend, backend.slots.requests))


def _endpoints(table: RoutingTable, now: Clock) -> Iterator[Metric]:
    def each() -> Iterator[tuple[Backend, Endpoint]]:
        return ((backend, endpoint) for backend in table.backends.values() for endpoint in backend.endpoints)

    def add(family: GaugeMetricFamily, of: tuple[Backend, Endpoint], number: float) -> None:
        backend, endpoint = of
        family.add_metric((backend.namespace, backend.name, endpoint.name), number)

    labels = (*_QUEUE, "server_address")
    in_flight = partial(
        GaugeMetricFamily, "auriga_endpoint_in_flight", "Requests under way at an endpoint.", labels=labels
    )
    is_up = partial(
        GaugeMetricFamily, "auriga_endpoint_open", "1 if breaker and gate let requests through.", labels=labels
    )
    yield from pieces(in_flight, each(), lambda family, of: add(family, of, of[1].in_flight))
    yield from pieces(is_up, each(), lambda family, of: add(family, of, is_open(of[1].gate, now())))

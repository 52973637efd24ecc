"""``/metrics``: the router's counters in Prometheus' format. Formatted only when they are scraped.

OpenTelemetry's GenAI names (dots as underscores) where it has one, ``auriga_*`` where it has none.
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from auriga_router.ports import Clock
from auriga_router.routing.gate import is_open
from auriga_router.routing.outcome import Outcome
from auriga_router.table import RoutingTable
from auriga_router.tally import SECONDS, Histogram, Tally

_LABELS = ("namespace", "gen_ai_request_model", "gen_ai_response_model")
"""The role (empty where a Model was called by its own name) and the Model that answered."""


CONTENT_TYPE = CONTENT_TYPE_LATEST.encode("ascii")


class _Collected(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(metrics: Iterable[Metric]) -> bytes:
    """The page."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics))
    return generate_latest(registry)


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

    def exposition(self) -> tuple[bytes, bytes]:
        """The page and its content type."""
        return exposition(self.collect()), CONTENT_TYPE

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        table = self._table()
        tallies = [member.tally for chain in table.all_chains for member in chain.members if any(member.tally.outcomes)]
        yield from _attempts(tallies)
        yield _replies(table)
        yield _refusals(self._refused())
        yield from _endpoints(table, self._now())
        yield from _queues(table)
        yield from _loads(table)
        connections = GaugeMetricFamily("auriga_connections", "Connections of callers that are open.")
        connections.add_metric((), self._connections())
        yield connections


def _attempts(tallies: Iterable[Tally]) -> Iterator[Metric]:
    attempts = CounterMetricFamily("auriga_attempts", "Attempts that ended, by outcome.", labels=(*_LABELS, "outcome"))
    duration = HistogramMetricFamily(
        "gen_ai_server_request_duration_seconds", "Time of attempts that answered, to their end.", labels=_LABELS
    )
    first_token = HistogramMetricFamily(
        "gen_ai_server_time_to_first_token_seconds",
        "Time from a request to the stream's first content.",
        labels=_LABELS,
    )
    for tally in tallies:
        labels = (tally.namespace, tally.role, tally.model)
        for outcome in Outcome:
            if tally.outcomes[outcome.ordinal]:
                attempts.add_metric((*labels, outcome.value), tally.outcomes[outcome.ordinal])
        for family, histogram in ((duration, tally.duration), (first_token, tally.first_token)):
            if histogram.counts:
                family.add_metric(labels, _buckets(histogram), histogram.total)
    yield attempts
    yield duration
    yield first_token


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in SECONDS), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))


def _replies(table: RoutingTable) -> Metric:
    replies = CounterMetricFamily(
        "auriga_replies", "Replies to callers, by status.", labels=("namespace", "gen_ai_request_model", "status")
    )
    for chain in table.all_chains:
        for status, number in chain.replies.items():
            replies.add_metric((chain.namespace, chain.role, str(status)), number)
    return replies


def _refusals(refused: Mapping[tuple[int, str], int]) -> Metric:
    """Without the name that was asked for: callers could make up any number of them."""
    refusals = CounterMetricFamily(
        "auriga_refusals", "Requests that led to no role or Model, by status and code.", labels=("status", "code")
    )
    for (status, code), number in refused.items():
        refusals.add_metric((str(status), code), number)
    return refusals


def _queues(table: RoutingTable) -> Iterator[Metric]:
    labels = ("namespace", "gen_ai_response_model")
    depth = GaugeMetricFamily("auriga_queue_depth", "Requests that wait for a slot of a Model.", labels=labels)
    waited = HistogramMetricFamily("auriga_queue_time_seconds", "Time that requests waited for a slot.", labels=labels)
    for backend in table.backends.values():
        values = (backend.namespace, backend.name)
        if backend.slots.waited.counts or backend.slots.waiting:
            depth.add_metric(values, backend.slots.waiting)
        if backend.slots.waited.counts:
            waited.add_metric(values, _buckets(backend.slots.waited), backend.slots.waited.total)
    yield depth
    yield waited


def _loads(table: RoutingTable) -> Iterator[Metric]:
    """What ``/load`` tells, as far as it fits here."""
    labels = ("namespace", "gen_ai_response_model")
    in_flight = GaugeMetricFamily("auriga_model_in_flight", "Requests that a Model works on.", labels=labels)
    queued = GaugeMetricFamily("auriga_model_queued", "Requests that wait for a slot or a start.", labels=labels)
    requests = CounterMetricFamily(
        "auriga_model_requests", "Requests that were sent to a Model, or found that it has no endpoint.", labels=labels
    )
    for backend in table.backends.values():
        if backend.slots.requests or backend.slots.waiting:
            values = (backend.namespace, backend.name)
            in_flight.add_metric(values, backend.slots.in_flight)
            queued.add_metric(values, backend.slots.waiting)
            requests.add_metric(values, backend.slots.requests)
    yield in_flight
    yield queued
    yield requests


def _endpoints(table: RoutingTable, now: float) -> Iterator[Metric]:
    labels = ("namespace", "gen_ai_response_model", "server_address")
    in_flight = GaugeMetricFamily("auriga_endpoint_in_flight", "Requests under way at an endpoint.", labels=labels)
    is_up = GaugeMetricFamily("auriga_endpoint_open", "1 if breaker and gate let requests through.", labels=labels)
    for backend in table.backends.values():
        for endpoint in backend.endpoints:
            values = (backend.namespace, backend.name, endpoint.name)
            in_flight.add_metric(values, endpoint.in_flight)
            is_up.add_metric(values, is_open(endpoint.gate, now))
    yield in_flight
    yield is_up

"""What several workers have counted, as one page."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from auriga_router.exposition import exposition
from auriga_router.workers.merged_metrics import Page, counted, read, summed, workers, write

Values = dict[str, float]


def told(replies: float, depth: float, is_open: float, fast: float, slow: float, *, model: str = "m") -> Page:
    """A worker's page."""
    counter = CounterMetricFamily("auriga_replies", "Replies.", labels=("status",))
    counter.add_metric(("200",), replies)
    gauge = GaugeMetricFamily("auriga_queue_depth", "Waiting.", labels=("model",))
    gauge.add_metric((model,), depth)
    up = GaugeMetricFamily("auriga_endpoint_open", "Open.", labels=("address",))
    up.add_metric(("10.0.0.1:80",), is_open)
    time = HistogramMetricFamily("auriga_queue_time_seconds", "Time.", labels=())
    time.add_metric((), [("0.01", fast), ("+Inf", fast + slow)], fast * 0.005 + slow)
    return read(
        exposition((counter, gauge, up, time, CounterMetricFamily("auriga_refusals", "None.", labels=("status",))))
    )


def values(page: Page) -> Values:
    """By the name and labels of each series, as Prometheus reads them."""
    text = write(page).decode()
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_numbers_add_up_series_by_series() -> None:
    assert values(summed([told(3, 1, 1, 2, 0), told(4, 2, 1, 1, 5)])) == {
        "auriga_replies_total|200": 7,
        "auriga_queue_depth|m": 3,
        "auriga_endpoint_open|10.0.0.1:80": 1,
        "auriga_queue_time_seconds_bucket|0.01": 3,
        "auriga_queue_time_seconds_bucket|+Inf": 8,
        "auriga_queue_time_seconds_count": 8,
        "auriga_queue_time_seconds_sum": 3 * 0.005 + 5,
    }


def test_an_endpoint_is_open_only_if_it_is_so_to_all_of_them() -> None:
    for pages in ([told(0, 0, 1, 0, 0), told(0, 0, 0, 0, 0)], [told(0, 0, 0, 0, 0), told(0, 0, 1, 0, 0)]):
        assert values(summed(pages))["auriga_endpoint_open|10.0.0.1:80"] == 0


def test_series_that_one_of_them_has_are_told() -> None:
    depths = values(summed([told(0, 1, 1, 0, 0, model="one"), told(0, 2, 1, 0, 0, model="two")]))
    assert (depths["auriga_queue_depth|one"], depths["auriga_queue_depth|two"]) == (1, 2)


def test_of_a_worker_that_is_gone_counts_remain_and_states_do_not() -> None:
    remains = values(counted(told(3, 1, 1, 2, 1)))
    assert remains["auriga_replies_total|200"] == 3
    assert remains["auriga_queue_time_seconds_count"] == 3
    assert not [name for name in remains if name.startswith(("auriga_queue_depth", "auriga_endpoint_open"))]


@given(
    texts=st.lists(st.text(), min_size=1, max_size=4, unique=True),
    numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
)
def test_what_is_read_is_what_was_written(texts: list[str], numbers: list[float]) -> None:
    family = GaugeMetricFamily("auriga_depth", texts[0], labels=("one", "two"))
    for text, number in zip(texts, numbers, strict=False):
        family.add_metric((text, 'a "b" \\ \n } c'), number)
    page = exposition((family, CounterMetricFamily("auriga_refusals", "None.", labels=("status",))))
    assert write(read(page)) == page
    assert read(b"") == {}


def test_workers_that_are_not_reached_are_told_of() -> None:
    def lines(found: Iterable[Metric]) -> list[str]:
        return [line for line in exposition(found).decode().splitlines() if not line.startswith("#")]

    assert lines(workers({1: True, 2: False}, {1: 0, 2: 3})) == [
        'auriga_worker_up{worker="1"} 1.0',
        'auriga_worker_up{worker="2"} 0.0',
        'auriga_worker_restarts_total{worker="1"} 0.0',
        'auriga_worker_restarts_total{worker="2"} 3.0',
    ]

"""What several workers have counted, as one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from auriga_router.compile import compile as compile_table
from auriga_router.exposition import exposition
from auriga_router.metrics import FAMILIES, Metrics, View
from auriga_router.routing.outcome import Outcome
from auriga_router.table import RoutingTable
from auriga_router.tally import SECONDS
from auriga_router.workers import lines
from auriga_router.workers.merged_metrics import Sums, told, workers
from support.http_router import chain, model, snapshot

Values = dict[str, float]
ADDRESS = "10.0.0.1:80"
EMPTY = View(RoutingTable(), {}, lambda: 0, lambda: 0.0)
MODELS = 300


def worker(replies: int, in_flight: int, fast: int, slow: int, *, name: str = "m", is_open: bool = True) -> View:
    """What a worker has counted of one Model."""
    table = compile_table(snapshot(model(name), chain("role", name), endpoints={name: ADDRESS}))
    (role,) = table.chains.values()
    role.replies[200] = replies
    (member,) = role.members
    (endpoint,) = member.backend.endpoints
    endpoint.in_flight = in_flight
    endpoint.gate.blocked_until = 0.0 if is_open else 99.0
    member.tally.outcomes[Outcome.OK.ordinal] = replies
    for seconds, times in ((0.005, fast), (100.0, slow)):
        for _ in range(times):
            member.tally.duration.add(seconds)
    return View(table, {(404, "model_not_found"): replies}, lambda: 1, lambda: 5.0)


def summed(views: Iterable[View], *, gone: bool = False) -> Sums:
    sums = Sums()
    for view in views:
        for line in lines.read([b"".join(told(view)) + lines.END]):
            sums.add(line, gone=gone)
    return sums


def values(metrics: Iterable[Metric]) -> Values:
    """By the name and labels of each series, as Prometheus reads them."""
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition(metrics).decode())
        for sample in family.samples
    }


def test_numbers_add_up_series_by_series() -> None:
    found = values(summed([worker(3, 1, 2, 0), worker(4, 2, 1, 5)]).collect())
    duration = "gen_ai_server_request_duration_seconds"
    assert found["auriga_attempts_total|role|m|default|Ok"] == 7
    assert found["auriga_replies_total|role|default|200"] == 7
    assert found["auriga_refusals_total|model_not_found|404"] == 7
    assert found["auriga_connections"] == 2
    assert found[f"auriga_endpoint_in_flight|m|default|{ADDRESS}"] == 3
    for bound in SECONDS:
        assert found[f"{duration}_bucket|role|m|{bound}|default"] == 3
    assert found[f"{duration}_bucket|role|m|+Inf|default"] == found[f"{duration}_count|role|m|default"] == 8
    assert found[f"{duration}_sum|role|m|default"] == pytest.approx(3 * 0.005 + 500)


def test_one_alone_is_told_as_it_would_tell_itself() -> None:
    view = worker(3, 1, 2, 1)
    itself = Metrics(lambda: view.table, lambda: view.refused, view.connections, view.now)
    assert values(summed([view]).collect()) == values(itself.collect())


@pytest.mark.parametrize("both", [(True, True), (True, False), (False, True)])
def test_an_endpoint_is_open_only_if_it_is_so_to_all_of_them(both: tuple[bool, bool]) -> None:
    views = [worker(0, 0, 0, 0, is_open=is_open) for is_open in both]
    assert values(summed(views).collect())[f"auriga_endpoint_open|m|default|{ADDRESS}"] == all(both)


def test_series_that_one_of_them_has_are_told() -> None:
    found = values(summed([worker(1, 0, 0, 0, name="one"), worker(2, 0, 0, 0, name="two")]).collect())
    assert [found[f"auriga_attempts_total|role|{name}|default|Ok"] for name in ("one", "two")] == [1, 2]


def test_of_a_worker_that_is_gone_counts_remain_and_states_do_not() -> None:
    remains = values(summed([worker(3, 1, 2, 1)], gone=True).collect())
    assert remains["auriga_replies_total|role|default|200"] == 3
    assert remains["gen_ai_server_request_duration_seconds_count|role|m|default"] == 3
    assert not [name for name in remains if name.startswith(("auriga_endpoint", "auriga_connections"))]


def test_what_was_added_up_is_told_on_as_one_worker_tells_it() -> None:
    both = [worker(3, 1, 2, 0), worker(4, 2, 1, 5)]
    on = Sums()
    for line in lines.read(summed(both).lines()):
        on.add(line)
    assert values(on.collect()) == values(summed(both).collect())


def test_of_nothing_all_is_told_that_there_would_be() -> None:
    assert exposition(Sums().collect()) == exposition(piece for family in FAMILIES for piece in [family.metric([])])


NAMES = st.lists(st.text(st.characters(codec="utf-8")), max_size=40)


@given(NAMES, st.lists(st.integers(0, 400), max_size=8))
def test_lines_are_read_wherever_they_were_cut(names: list[str], cuts: list[int]) -> None:
    whole = b"".join((*lines.several("names", names), *lines.several("none", iter([None] * 40)), lines.END))
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    assert [row for line in lines.read(pieces) for row in line.rows] == names
    assert lines.is_whole(pieces) == bool(pieces[-1])
    assert not lines.is_whole([])
    assert not lines.is_whole([whole[:-1]])


def crowd() -> View:
    """Many Models, each with all there is to tell."""
    names = [f"m{number}" for number in range(MODELS)]
    where = {name: f"10.0.{number // 250}.{number % 250}:80" for number, name in enumerate(names)}
    things = [*map(model, names), *(chain(f"role-{name}", name) for name in names)]
    table = compile_table(snapshot(*things, endpoints=where))  # type: ignore[arg-type]
    for each in table.all_chains:
        each.replies[200] = 1
        for member in each.members:
            tally, slots = member.tally, member.backend.slots
            tally.outcomes[0] = slots.requests = 1
            for histogram in (tally.duration, tally.first_token, slots.waited):
                histogram.add(0.1)
    return View(table, {}, lambda: 1, lambda: 0.0)


def test_no_line_has_many_rows_and_no_step_writes_much() -> None:
    view = crowd()
    assert max(len(line.rows) for step in told(view) for line in lines.read([step])) <= 64
    sums = summed([view, view])
    assert max(len(line.rows) for step in summed([view]).lines() for line in lines.read([step])) <= 64
    pieces = list(sums.collect())
    assert max(len(piece.samples) for piece in pieces) < 100
    assert len(pieces) > 2 * 3 * MODELS * 17 / 100


def test_what_is_let_go_is_let_go_a_little_at_a_time() -> None:
    def held(sums: Sums) -> int:
        return sum(map(len, sums._rows.values()))

    sums = summed([crowd()])
    before = held(sums)
    steps: Iterator[None] = sums.let_go()
    for _ in steps:
        assert before - held(sums) <= 256
        before = held(sums)
    assert before == 0


def test_workers_that_are_not_reached_are_told_of() -> None:
    def series(found: Iterable[Metric]) -> list[str]:
        return [line for line in exposition(found).decode().splitlines() if not line.startswith("#")]

    assert series(workers({1: True, 2: False}, {1: 0, 2: 3})) == [
        'auriga_worker_up{worker="1"} 1.0',
        'auriga_worker_up{worker="2"} 0.0',
        'auriga_worker_restarts_total{worker="1"} 0.0',
        'auriga_worker_restarts_total{worker="2"} 3.0',
    ]

"""What several workers think of Models, RoleChains and themselves, as one document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from auriga_router.compile import compile as compile_table
from auriga_router.routing.gate import BreakerSettings, observe
from auriga_router.routing.outcome import Outcome
from auriga_router.snapshot import Snapshot
from auriga_router.status import status_document
from auriga_router.table import RoutingTable
from auriga_router.workers import lines
from auriga_router.workers.merged_status import Readiness, Status, told, told_readiness
from support.http_router import chain, model, snapshot

NOW = 1000.0
ADDRESS = "10.0.0.1:80"
MANY = 300
NAMES = tuple(f"m{number}" for number in range(1, MANY + 1))
View = tuple[Snapshot, RoutingTable]


def seen(failures: int = 0, in_flight: int = 0, members: tuple[str, ...] = ("m1", "m2")) -> View:
    """What a worker sees, to whom the endpoint of m1 has failed so often."""
    state: Snapshot = snapshot(
        *(model(name) for name in members), chain("role", *members[:2]), endpoints=dict.fromkeys(members, ADDRESS)
    )
    table = compile_table(state)
    endpoint = table.backends["default/m1"].endpoints[0]
    endpoint.in_flight = in_flight
    for _ in range(failures):
        observe(endpoint.gate, Outcome.CONNECT, NOW, BreakerSettings(), probe=False, retry_after=None)
    return state, table


def merged(views: dict[int, View | None]) -> Status:
    """What they tell, put together."""
    status = Status()
    for number, view in views.items():
        for line in lines.read(told(*view, NOW)) if view is not None else [None]:
            status.add(number, line)
    return status


def status(views: dict[int, View | None]) -> dict[str, Any]:
    """As it is read."""
    document: dict[str, Any] = orjson.loads(b"".join(merged(views).steps()))
    return document


def test_alike_they_say_what_one_would_with_the_numbers_of_all() -> None:
    document = status({1: seen(in_flight=2), 2: seen(in_flight=3)})
    assert document.pop("workers") == {"1": "up", "2": "up"}
    assert document == status_document(*seen(in_flight=5), NOW)


@pytest.mark.parametrize("order", [(0, 5), (5, 0)])
def test_one_of_them_knows_that_an_endpoint_fails(order: tuple[int, int]) -> None:
    document = status(dict(enumerate((seen(failures) for failures in order), 1)))
    (m1, m2), (role,) = document["models"], document["roleChains"]
    assert (m1["phase"], m1["reason"], m1["endpoints"][0]["breaker"]) == ("Failed", "Open", "Open")
    assert m2["reason"] == "Ready"
    assert (role["ready"], role["activeMember"]) == (True, "m2")
    assert [(each["ready"], each["readyEndpoints"]) for each in role["members"]] == [(False, 0), (True, 1)]


def test_the_order_in_which_they_answer_makes_no_difference() -> None:
    one, other = seen(5, in_flight=1), seen(0, in_flight=2)
    assert status({1: one, 2: other})["models"] == status({1: other, 2: one})["models"]


def test_who_is_not_reached_is_told_of() -> None:
    document = status({1: None, 2: seen(in_flight=1)})
    assert document["workers"] == {"1": "unreachable", "2": "up"}
    assert document["models"][0]["endpoints"][0]["inFlight"] == 1


def test_while_a_change_spreads_all_that_anybody_knows_is_told() -> None:
    document = status({1: seen(members=("m1",)), 2: seen()})
    assert [each["name"] for each in document["models"]] == ["m1", "m2"]
    assert [each["model"] for each in document["roleChains"][0]["members"]] == ["m1"]


def test_it_is_made_in_steps_of_a_few() -> None:
    view = seen(members=NAMES)
    assert max(len(line.rows) for step in told(*view, NOW) for line in lines.read([step])) <= 16
    status = merged({1: view, 2: view})
    steps = list(status.steps())
    assert max(step.count(b'"phase"') for step in steps) <= 32
    assert len(orjson.loads(b"".join(steps))["models"]) == MANY
    assert not list(status.let_go())


def test_what_is_let_go_is_let_go_a_little_at_a_time() -> None:
    status = merged({1: seen(members=NAMES)})
    assert len(list(status.let_go())) > MANY / 256
    assert orjson.loads(b"".join(status.steps()))["models"] == []


READY: dict[str, Any] = {"ready": True, "roles": {"ns/role": "m2"}}
NOT_YET: dict[str, Any] = {"ready": False, "roles": {}}
IDLE: dict[str, Any] = {"ready": False, "roles": {"ns/role": None}}


@pytest.mark.parametrize(
    ("told", "ready", "roles", "workers"),
    [
        ([READY, READY], True, {"ns/role": "m2"}, ["ready", "ready"]),
        ([NOT_YET, READY], True, {"ns/role": "m2"}, ["not ready", "ready"]),
        ([IDLE, READY], True, {"ns/role": "m2"}, ["not ready", "ready"]),
        ([None, READY], True, {"ns/role": "m2"}, ["unreachable", "ready"]),
        ([IDLE, IDLE], False, {"ns/role": None}, ["not ready", "not ready"]),
        ([IDLE, None], False, {"ns/role": None}, ["not ready", "unreachable"]),
    ],
)
def test_the_router_is_ready_while_one_worker_is(
    told: list[dict[str, Any] | None], ready: bool, roles: dict[str, str | None], workers: list[str]
) -> None:
    readiness = Readiness()
    for number, document in enumerate(told, 1):
        for line in _lines(document) if document is not None else [None]:
            readiness.add(number, line)
    assert readiness.ready == ready
    assert orjson.loads(b"".join(readiness.steps())) == {
        "ready": ready,
        "roles": roles,
        "workers": dict(zip(("1", "2"), workers, strict=True)),
    }


def _lines(document: dict[str, Any]) -> Iterable[lines.Line]:
    yield lines.Line("ready", [document["ready"]])
    yield lines.Line("roles", [list(role) for role in document["roles"].items()])


@pytest.mark.parametrize("ready", [True, False])
def test_a_worker_tells_of_its_own_readiness(ready: bool) -> None:
    _, table = seen(failures=5)
    assert list(lines.read(told_readiness(ready, table, NOW))) == [
        lines.Line("ready", [ready]),
        lines.Line("roles", [["default/role", "m2"]]),
    ]

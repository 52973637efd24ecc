"""What several workers think of Models, RoleChains and themselves, as one document."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_router.compile import compile as compile_table
from auriga_router.routing.gate import BreakerSettings, observe
from auriga_router.routing.outcome import Outcome
from auriga_router.snapshot import Snapshot
from auriga_router.status import status_document
from auriga_router.workers.merged_status import readiness, status
from support.http_router import chain, model, snapshot

NOW = 1000.0
ADDRESS = "10.0.0.1:80"


def seen(failures: int = 0, in_flight: int = 0, members: tuple[str, ...] = ("m1", "m2")) -> dict[str, Any]:
    """What a worker tells, to whom the endpoint of m1 has failed so often."""
    state: Snapshot = snapshot(
        *(model(name) for name in members), chain("role", *members), endpoints=dict.fromkeys(members, ADDRESS)
    )
    table = compile_table(state)
    endpoint = table.backends["default/m1"].endpoints[0]
    endpoint.in_flight = in_flight
    for _ in range(failures):
        observe(endpoint.gate, Outcome.CONNECT, NOW, BreakerSettings(), probe=False, retry_after=None)
    return status_document(state, table, NOW)


def test_alike_they_say_what_one_would_with_the_numbers_of_all() -> None:
    merged = status({1: seen(in_flight=2), 2: seen(in_flight=3)})
    assert merged.pop("workers") == {"1": "up", "2": "up"}
    assert merged == seen(in_flight=5)


@pytest.mark.parametrize("order", [(0, 5), (5, 0)])
def test_one_of_them_knows_that_an_endpoint_fails(order: tuple[int, int]) -> None:
    merged = status(dict(enumerate((seen(failures) for failures in order), 1)))
    (m1, m2), (role,) = merged["models"], merged["roleChains"]
    assert (m1["phase"], m1["reason"], m1["endpoints"][0]["breaker"]) == ("Failed", "Open", "Open")
    assert m2["reason"] == "Ready"
    assert (role["ready"], role["activeMember"]) == (True, "m2")
    assert [(each["ready"], each["readyEndpoints"]) for each in role["members"]] == [(False, 0), (True, 1)]


def test_the_order_in_which_they_answer_makes_no_difference() -> None:
    one, other = seen(5, in_flight=1), seen(0, in_flight=2)
    assert status({1: one, 2: other})["models"] == status({1: other, 2: one})["models"]


def test_who_is_not_reached_is_told_of() -> None:
    merged = status({1: None, 2: seen(in_flight=1)})
    assert merged["workers"] == {"1": "unreachable", "2": "up"}
    assert merged["models"][0]["endpoints"][0]["inFlight"] == 1


def test_while_a_change_spreads_all_that_anybody_knows_is_told() -> None:
    merged = status({1: seen(members=("m1",)), 2: seen()})
    assert [each["name"] for each in merged["models"]] == ["m1", "m2"]
    assert [each["model"] for each in merged["roleChains"][0]["members"]] == ["m1"]


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
    assert readiness(dict(enumerate(told, 1))) == (
        ready,
        {"ready": ready, "roles": roles, "workers": dict(zip(("1", "2"), workers, strict=True))},
    )

"""Where routers are, from EndpointSlices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from auriga_operator.resources import SLICES, key_of
from auriga_operator.routers import Routers, addresses


def a_slice(name: str = "a", *hosts: str, ready: bool | None = True, **more: Any) -> dict[str, Any]:
    conditions = {} if ready is None else {"conditions": {"ready": ready}}
    return {
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "auriga-system", "resourceVersion": "1"},
        "ports": [{"name": "metrics", "port": 9}, {"name": "http", "port": 8080}],
        "endpoints": [{"addresses": [host], **conditions} for host in hosts],
        **more,
    }


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (a_slice("a", "10.0.0.1", "10.0.0.2"), {"10.0.0.1:8080": True, "10.0.0.2:8080": True}),
        (a_slice("a", "10.0.0.1", ready=False), {"10.0.0.1:8080": False}),
        (a_slice("a", "10.0.0.1", ready=None), {"10.0.0.1:8080": True}),
        (a_slice("a", "fd00::1"), {"[fd00::1]:8080": True}),
        (a_slice("a", "10.0.0.1", ports=[{"name": "", "port": 80}]), {"10.0.0.1:80": True}),
        (a_slice("a", "10.0.0.1", ports=None), {}),
        (a_slice("a", endpoints=None), {}),
    ],
)
def test_the_addresses_of_a_slice(item: dict[str, Any], found: dict[str, bool]) -> None:
    assert addresses(item) == found


def test_nothing_is_told_before_all_slices_are_known_and_only_changes_after() -> None:
    told: list[Mapping[str, bool]] = []
    routers = Routers(told.append)
    one, two = a_slice("one", "10.0.0.1"), a_slice("two", "10.0.0.2")
    routers.put(one)
    routers.put(two)
    assert told == []
    routers.keep(SLICES, "auriga-system", {key_of(one), key_of(two)}, 1)
    assert told == [{"10.0.0.1:8080": True, "10.0.0.2:8080": True}]
    routers.put(two)
    assert len(told) == 1
    routers.put(a_slice("two", "10.0.0.2", ready=False))
    routers.remove(one)
    assert told[1:] == [{"10.0.0.1:8080": True, "10.0.0.2:8080": False}, {"10.0.0.2:8080": False}]
    routers.keep(SLICES, "auriga-system", set(), 2)
    assert told[-1] == {}


def test_a_service_without_slices_is_told_too() -> None:
    told: list[Mapping[str, bool]] = []
    Routers(told.append).keep(SLICES, "auriga-system", set(), 1)
    assert told == [{}]

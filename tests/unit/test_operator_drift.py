"""Whether an object still is what was applied."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_operator import labels
from auriga_operator.drift import up_to_date


def item(applied: str = "1", **spec: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"annotations": {labels.APPLIED: applied}}, "spec": spec}


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"replicas": 1, "added": "by another"}, {"replicas": 1}),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"cpu": "1000m", "memory": "1024Mi"}}),
        ({"limits": {"cpu": "500m", "nvidia.com/gpu": "1"}}, {"limits": {"cpu": 0.5, "nvidia.com/gpu": 1}}),
        ({"emptyDir": {"sizeLimit": "1Gi"}}, {"emptyDir": {"sizeLimit": "1024Mi"}}),
        ({}, {"hostNetwork": False, "list": [], "map": {}, "text": "", "number": 0}),
        ({"nodeSelector": {"zone": "a"}}, {"nodeSelector": {}}),
        ({"env": [{"name": "X", "value": "1"}, {"name": "A"}]}, {"env": [{"name": "A", "value": ""}]}),
        ({"args": ["a", "b"]}, {"args": ["a", "b"]}),
        ({"volumes": [{"name": "t", "emptyDir": {}}]}, {"volumes": [{"name": "t", "emptyDir": {}}]}),
    ],
)
def test_what_others_add_and_how_kubernetes_writes_values_is_no_drift(live: Any, wanted: Any) -> None:
    assert up_to_date(item(**live), item(**wanted))


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        ({"replicas": 2}, {"replicas": 1}),
        ({}, {"replicas": 1}),
        ({"replicas": 1}, {"replicas": 0}),
        ({"args": ["a", "b"]}, {"args": ["a"]}),
        ({"args": ["b", "a"]}, {"args": ["a", "b"]}),
        ({"limits": {"cpu": "2"}}, {"limits": {"cpu": "1"}}),
        ({"env": [{"name": "A", "value": "2"}]}, {"env": [{"name": "A", "value": "1"}]}),
        ({"env": [{"name": "B"}]}, {"env": [{"name": "A"}]}),
        ({"selector": "text"}, {"selector": {"a": "b"}}),
        ({"list": "text"}, {"list": ["a"]}),
        ({"hostNetwork": True}, {"hostNetwork": False}),
    ],
)
def test_what_was_changed_is_drift(live: Any, wanted: Any) -> None:
    assert not up_to_date(item(**live), item(**wanted))


def test_another_wish_is_told_even_where_it_only_takes_something_away() -> None:
    assert not up_to_date(item("1", replicas=1, env=[{"name": "A"}]), item("2", replicas=1))

"""A partial pod template over a whole one."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_operator.merge import merged


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        ({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "2"}, {"name": "B"}]},
         {"env": [{"name": "A", "value": "2"}, {"name": "B"}]}),
        ({"volumes": [{"name": "t", "emptyDir": {}}]}, {"volumes": [{"name": "t", "hostPath": {"path": "/t"}}]},
         {"volumes": [{"name": "t", "hostPath": {"path": "/t"}}]}),
        ({"volumeMounts": [{"mountPath": "/a", "name": "x"}]}, {"volumeMounts": [{"mountPath": "/b", "name": "y"}]},
         {"volumeMounts": [{"mountPath": "/a", "name": "x"}, {"mountPath": "/b", "name": "y"}]}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        ({"containers": [{"name": "engine"}]}, {"containers": ["odd"]}, {"containers": ["odd"]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)  # fmt: skip
def test_maps_by_key_named_lists_by_name_other_lists_whole(base: Any, patch: Any, result: Any) -> None:
    assert merged(base, patch) == result


def test_the_base_is_left_as_it_was() -> None:
    base = {"containers": [{"name": "a", "env": [{"name": "X"}]}]}
    merged(base, {"containers": [{"name": "a", "env": [{"name": "Y"}]}]})
    assert base == {"containers": [{"name": "a", "env": [{"name": "X"}]}]}

"""Which Models without an endpoint are expected back because they have served before."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_api import Model
from auriga_api.model import ModelStatus
from auriga_router.compile import compile as compile_table
from auriga_router.table import Backend
from support.http_router import model, snapshot

UP = {"m": "10.0.0.1:80"}


def served(phase: str, reason: str = "", **spec: Any) -> Model:
    ready = {"type": "Ready", "status": "True" if phase == "Ready" else "False", "reason": reason or phase}
    status = ModelStatus.model_validate({"phase": phase, "conditions": [ready]})
    return model("m", **spec).model_copy(update={"status": status})


def compiled(*states: tuple[Model, dict[str, str]]) -> Backend:
    """After these states, one after the other."""
    table = compile_table(snapshot())
    for state, endpoints in states:
        table = compile_table(snapshot(state, endpoints=endpoints), table)
    return table.backends["default/m"]


@pytest.mark.parametrize(
    ("now", "returns"),
    [
        (served("Ready"), True),  # seen before the status was written
        (served("Loading"), True),
        (served("Pending", "Unschedulable"), True),
        (served("Failed", "EngineCrashed"), True),
        (served("Failed", "Killed"), True),
        (served("Failed", "OOMKilled"), True),
        (served("Failed", "Unresponsive"), True),
        (served("Failed", "WeightsInvalid"), False),
        (served("Failed", "ImagePullBackOff"), False),
        (served("ScaledToZero", replicas=0), False),
        (served("Suspended", suspended=True), False),
        (served("ScaledToZero", autoscaling={"minReplicas": 0, "maxReplicas": 1}), True),
        (model("m"), False),  # nobody writes its status
    ],
)
def test_who_has_served_and_is_started_again_returns(now: Model, returns: bool) -> None:
    after = compiled((served("Ready"), UP), (now, {}))
    assert (after.returns, after.asleep) == (returns, not now.spec.suspended)
    crashed = now.status is not None and now.status.phase == "Failed"
    assert after.cold is (not crashed and not now.spec.suspended and (now.spec.replicas > 0 or after.wakes))
    assert not compiled((now, {})).returns, "it has never served"
    assert not compiled((served("Ready"), UP), (now, UP)).returns, "it serves"


def test_it_is_remembered_until_it_is_given_up() -> None:
    crashed, loading, up = served("Failed", "Killed"), served("Loading"), served("Ready")
    assert compiled((up, UP), (crashed, {}), (loading, {}), (crashed, {})).returns
    assert not compiled((up, UP), (served("Failed", "WeightsInvalid"), {}), (loading, {})).returns
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": "http://10.0.0.9/v1"}
    assert not compiled((model("m", external=external), {}), (loading, {})).returns, "a provider's was never ours"

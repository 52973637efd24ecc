"""What people and machines read of a Model on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from auriga_api.model import Artifact, Model, ModelStatus
from auriga_cli.local.ending import Ending, crash, stuck
from auriga_cli.local.plan import Shortage
from auriga_cli.local.state import Blocked, Failure, Fetch, Limits, Process, Wanted, WeightsRequest, World
from auriga_cli.local.status import View, model_status

NOW = 1000.0
STAMP = "2026-11-21T08:00:00Z"
MIB = 1 << 20


def model(**spec: Any) -> Model:
    return Model.model_validate(
        {
            "apiVersion": "auriga.dev/v1alpha1",
            "kind": "Model",
            "metadata": {"name": "m", "generation": 3},
            "spec": spec or {"source": {"file": {"path": "m.gguf"}}},
        }
    )


WANTED = Wanted("default/m", "m", 1, WeightsRequest("w", {}, "/", 1, 1), "r1", context_length=512, parallel=4)
HERE = Fetch("w", "Done", path="/m.gguf", artifact=Artifact(size_bytes=100, context_length=2048))
SERVES = Process(1, "default/m", 0, "r1", "Healthy", NOW - 5, NOW, address="127.0.0.1:4100")
CRASHED = Ending("EngineCrashed", "the engine crashed (SIGSEGV) while it served", "r1", ("loading", "boom"))


def status(
    *processes: Process,
    wanted: Wanted = WANTED,
    fetch: Fetch | None = HERE,
    failure: Failure | None = None,
    ending: Ending | None = None,
    shortage: Shortage | None = None,
    previous: ModelStatus | None = None,
) -> ModelStatus:
    world = World(
        wanted={"default/m": wanted},
        fetches={fetch.id: fetch} if fetch else {},
        processes=processes,
        failures={("default/m", 0, "r1"): failure} if failure else {},
    )
    view = View(
        world,
        NOW,
        Limits(),
        shortages={"default/m": shortage} if shortage else {},
        endings={"default/m": ending} if ending else {},
    )
    return model_status(model(), previous, view, STAMP)


OLD = replace(SERVES, id=7, revision="r0")
TWO = replace(WANTED, replicas=2)
GATED = Fetch("w", "Failed", reason="GatedRepository", message="accept its license", failure=Failure(6, NOW - 2))


@pytest.mark.parametrize(
    ("found", "phase", "ready", "reason", "message"),
    [
        pytest.param(status(fetch=None), "Pending", "False", "ResolvingWeights", "looking up", id="just added"),
        pytest.param(
            status(fetch=Fetch("w", "Running")),
            "Pending",
            "False",
            "ResolvingWeights",
            "looking up",
            id="asking the hub",
        ),
        pytest.param(
            status(fetch=Fetch("w", "Running", trouble="hub cannot be reached: refused")),
            "Pending",
            "False",
            "Retrying",
            "looking up its weights: hub cannot be reached: refused: trying again",
            id="the hub is away",
        ),
        pytest.param(
            status(fetch=Fetch("w", "Running", bytes=3 * MIB, total_bytes=12 * MIB, trouble="it was cut")),
            "Downloading",
            "False",
            "Retrying",
            "3.0 MiB of 12 MiB of the weights are here; it was cut: trying again",
            id="a download was cut",
        ),
        pytest.param(
            status(fetch=Fetch("w", "Running", bytes=30 * MIB, total_bytes=120 * MIB, eta=9.4)),
            "Downloading",
            "False",
            "Downloading",
            "30 MiB of 120 MiB",
            id="downloading",
        ),
        pytest.param(
            status(fetch=GATED),
            "Failed",
            "False",
            "GatedRepository",
            "accept its license (next try in 30 s)",
            id="gated",
        ),
        pytest.param(
            status(fetch=replace(GATED, state="Running", failure=Failure(1, NOW - 2))),
            "Failed",
            "False",
            "GatedRepository",
            "accept its license (trying again)",
            id="asking the hub again",
        ),
        pytest.param(
            status(fetch=replace(GATED, state="Running", total_bytes=8 * MIB)),
            "Downloading",
            "False",
            "Downloading",
            "0 B of 8.0 MiB",
            id="the hub has changed its mind",
        ),
        pytest.param(status(), "Pending", "False", "Starting", "about to start", id="weights are here"),
        pytest.param(
            status(replace(SERVES, state="Loading")),
            "Loading",
            "False",
            "Loading",
            "loads the weights, 5 s so far",
            id="loading",
        ),
        pytest.param(
            status(SERVES),
            "Ready",
            "True",
            "Serving",
            "4 requests at a time, 512 tokens of context each",
            id="serves",
        ),
        pytest.param(
            status(OLD, replace(SERVES, state="Loading")),
            "Ready",
            "True",
            "Updating",
            "the earlier version serves",
            id="updating",
        ),
        pytest.param(
            status(SERVES, replace(SERVES, id=2, replica=1, state="Loading"), wanted=TWO),
            "Ready",
            "True",
            "Updating",
            "1 of 2 replicas serve",
            id="one more is loading",
        ),
        pytest.param(
            status(failure=Failure(1, NOW), ending=CRASHED),
            "Failed",
            "False",
            "EngineCrashed",
            "crashed (SIGSEGV) while it served: it said: boom (next try in 1 s)",
            id="crashed",
        ),
        pytest.param(
            status(replace(SERVES, state="Loading"), failure=Failure(1, NOW - 2), ending=CRASHED),
            "Failed",
            "False",
            "EngineCrashed",
            "it said: boom (trying again)",
            id="crashed and coming back",
        ),
        pytest.param(
            status(OLD, failure=Failure(2, NOW), ending=CRASHED),
            "Degraded",
            "True",
            "EngineCrashed",
            "an earlier version serves; the engine crashed",
            id="changed for the worse",
        ),
        pytest.param(
            status(replace(SERVES, replica=1), wanted=TWO, failure=Failure(1, NOW), ending=CRASHED),
            "Degraded",
            "True",
            "EngineCrashed",
            "1 of 2 replicas serve; the engine crashed",
            id="one of two crashed",
        ),
        pytest.param(
            status(failure=Failure(1, NOW), ending=replace(CRASHED, revision="r0")),
            "Pending",
            "False",
            "Starting",
            "",
            id="what an earlier revision did does not count",
        ),
        pytest.param(
            status(shortage=Shortage(5 << 30, 1 << 30, 8 << 30)),
            "Failed",
            "False",
            "NotEnoughMemory",
            "needs about 5.0 GiB of memory and 1.0 GiB of 8.0 GiB are free: choose a smaller quantization",
            id="too large",
        ),
        pytest.param(
            status(wanted=replace(WANTED, blocked=Blocked("SecretMissing", "add it"))),
            "Failed",
            "False",
            "SecretMissing",
            "add it",
            id="blocked",
        ),
        pytest.param(
            status(OLD, wanted=replace(WANTED, blocked=Blocked("SecretMissing", "add it"))),
            "Degraded",
            "True",
            "SecretMissing",
            "an earlier version serves; add it",
            id="blocked by an edit",
        ),
        pytest.param(
            status(wanted=replace(WANTED, replicas=0)),
            "Suspended",
            "False",
            "Suspended",
            "set it to false",
            id="suspended",
        ),
        pytest.param(
            status(replace(SERVES, state="Stopping"), wanted=replace(WANTED, replicas=0)),
            "Suspended",
            "False",
            "Stopping",
            "finished first",
            id="being suspended",
        ),
    ],
)
def test_phase_and_condition(found: ModelStatus, phase: str, ready: str, reason: str, message: str) -> None:
    condition = found.conditions[0]
    assert (found.phase, condition.type, condition.status, condition.reason) == (phase, "Ready", ready, reason)
    assert message in condition.message
    assert "\n" not in condition.message
    assert found.observed_generation == condition.observed_generation == 3


def test_figures_of_a_download() -> None:
    download = status(fetch=Fetch("w", "Running", bytes=30, total_bytes=120, eta=9.4)).download
    assert download is not None
    assert (download.bytes, download.total_bytes, download.percent, download.eta) == (30, 120, 25, "9s")


def test_figures_of_what_serves() -> None:
    found = status(SERVES, replace(SERVES, id=2, replica=1, state="Loading"), wanted=TWO)
    assert (found.replicas, found.ready_replicas, found.slots, found.endpoint) == (2, 1, 4, "127.0.0.1:4100")
    assert found.artifact == HERE.artifact


def test_the_time_of_a_condition_is_when_it_turned() -> None:
    before = status(SERVES)
    assert before.conditions[0].last_transition_time == STAMP
    view = View(World(wanted={"default/m": WANTED}, fetches={"w": HERE}, processes=(SERVES,)), NOW, Limits())
    assert model_status(model(), before, view, "later").conditions[0].last_transition_time == STAMP
    gone = View(World(wanted={"default/m": WANTED}, fetches={"w": HERE}), NOW, Limits())
    assert model_status(model(), before, gone, "later").conditions[0].last_transition_time == "later"


EXTERNAL = {"external": {"provider": "openai", "credentialsSecretRef": {"name": "keys", "key": "openai"}}}


@pytest.mark.parametrize(
    ("spec", "secrets", "phase", "reason", "message"),
    [
        ({"external": {"provider": "openai"}}, {}, "Ready", "External", "provider"),
        (EXTERNAL, {"default/keys": {"openai": b"sk-sesame"}}, "Ready", "External", "provider"),
        (EXTERNAL, {}, "Failed", "SecretMissing", "Secret default/keys does not exist"),
        (EXTERNAL, {"default/keys": {"other": b"sk-sesame"}}, "Failed", "SecretKeyMissing", "no key openai"),
        ({"external": {"provider": "openai"}, "suspended": True}, {}, "Suspended", "Suspended", "false"),
    ],
)
def test_a_provider(spec: dict[str, Any], secrets: Any, phase: str, reason: str, message: str) -> None:
    found = model_status(model(**spec), None, View(World(), NOW, Limits(), secrets=secrets), STAMP)
    assert (found.phase, found.conditions[0].reason) == (phase, reason)
    assert message in found.conditions[0].message
    assert "sesame" not in found.conditions[0].message


def reasons(cases: Sequence[tuple[int, bool]]) -> list[str]:
    return [crash(code, served=served)[0] for code, served in cases]


def test_why_an_engine_ended() -> None:
    assert reasons([(64, False), (127, False), (-9, True), (-11, True), (1, False)]) == [
        "InvalidArguments", "EngineNotFound", "Killed", "EngineCrashed", "EngineCrashed",
    ]  # fmt: skip
    assert "SIGSEGV" in crash(-11, served=True)[1]
    assert "signal 77" in crash(-77, served=True)[1]
    assert "exit status 1 while loading" in crash(1, served=False)[1]
    assert "--load-timeout" in stuck("NeverHealthy", 600)[1]
    assert "60 s" in stuck("Unresponsive", 60)[1]

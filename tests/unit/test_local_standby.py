"""What people read of a Model that takes turns, while it is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from auriga_api.model import Artifact, Autoscaling, Model, ModelStatus
from auriga_cli.local.claim import Claim
from auriga_cli.local.demand import Demand
from auriga_cli.local.ending import Ending
from auriga_cli.local.standby import leaving, waiting
from auriga_cli.local.state import Failure, Fetch, Limits, Process, Wanted, WeightsRequest, World
from auriga_cli.local.status import View, model_status
from auriga_cli.local.turns import Wait
from auriga_operator import autoscale

NOW = 1000.0
MODEL = Model.model_validate(
    {"metadata": {"name": "m"}, "spec": {"source": {"file": {"path": "m.gguf"}}, "autoscaling": {"idleTimeout": "9m"}}}
)
WANTED = Wanted(
    "default/m", "m", 0, WeightsRequest("w", {}, "/", 1, 1), "r1", autoscaling=Autoscaling(idle_timeout="9m")
)
HERE = Fetch("w", "Done", path="/m.gguf", artifact=Artifact(size_bytes=100, context_length=2048))
CRASHED = Ending("EngineCrashed", "the engine crashed (SIGSEGV) while it served", "r1", ("boom",))


def demand(model: str = "m", desired: int = 0, *, scaled: bool = False, **claim: float) -> Demand:
    state = replace(autoscale.begin(desired, NOW), scaled=NOW - 9 if scaled else None)
    return Demand(state, Claim(f"default/{model}", 100, **claim))  # type: ignore[arg-type]


def status(
    *processes: Process,
    known: Demand,
    replicas: int = 0,
    fetch: Fetch | None = HERE,
    wait: Wait | None = None,
    failed: float | None = None,
) -> ModelStatus:
    world = World(
        {"default/m": replace(WANTED, replicas=replicas)},
        {"w": fetch} if fetch else {},
        processes,
        {("default/m", 0, "r1"): Failure(1, NOW - failed)} if failed is not None else {},
    )
    view = View(
        world,
        NOW,
        Limits(),
        endings={"default/m": CRASHED} if failed is not None else {},
        waits={"default/m": wait} if wait else {},
        demands={"default/m": known, "default/a": demand("a", in_flight=2)},
    )
    return model_status(MODEL, None, view, "2026-11-21T08:00:00Z")


@pytest.mark.parametrize(
    ("found", "phase", "reason", "message"),
    [
        pytest.param(
            status(known=demand()), "ScaledToZero", "ScaledToZero",
            "nobody has asked it yet: the next request starts it", id="at the start",
        ),
        pytest.param(
            status(known=demand(scaled=True)), "ScaledToZero", "ScaledToZero",
            "no request for 9m: the next request starts it", id="idle",
        ),
        pytest.param(
            status(known=demand(desired=1)), "ScaledToZero", "MadeRoom",
            "it made room for another Model: the next request starts it", id="its turn is over",
        ),
        pytest.param(
            status(known=demand(desired=1, leaving=100, in_flight=2)), "ScaledToZero", "MadeRoom",
            "it makes room when its 2 requests end", id="it has something to finish",
        ),
        pytest.param(
            status(known=demand(desired=1), wait=Wait("Leaving", ("default/a",))), "Pending", "WaitingForMemory",
            "waiting for memory: a leaves when its 2 requests end", id="it waits",
        ),
        pytest.param(
            status(known=demand(), fetch=None), "Pending", "ResolvingWeights", "looking up its weights",
            id="its weights come before it is asked",
        ),
        pytest.param(
            status(known=demand(desired=1), failed=0.5), "Failed", "EngineCrashed",
            "the engine crashed (SIGSEGV) while it served: it said: boom"
            " (tried again when it is asked after 1 s)", id="failed just now",
        ),
        pytest.param(
            status(known=demand(desired=1), failed=5), "ScaledToZero", "LastStartFailed",
            "the next request starts it again: the engine crashed (SIGSEGV) while it served: it said: boom",
            id="failed a while ago",
        ),
        pytest.param(
            status(Process(1, "default/m", 0, "r1", "Loading", NOW - 4, NOW), known=demand(desired=1), replicas=1),
            "Loading", "Waking", "its engine loads the weights, 4 s so far", id="it comes",
        ),
        pytest.param(
            status(
                Process(1, "default/m", 0, "r1", "Healthy", NOW - 4, NOW), known=demand(desired=1, load_time=3.21),
                replicas=1,
            ),
            "Ready", "Serving", "1 request at a time, 2048 tokens of context each; loaded in 3.2 s", id="it serves",
        ),
    ],
)  # fmt: skip
def test_phase_and_condition(found: ModelStatus, phase: str, reason: str, message: str) -> None:
    ready = found.conditions[0]
    assert (found.phase, ready.reason, ready.message) == (phase, reason, message)
    assert (ready.status == "True") == (phase == "Ready")


AROUND: Mapping[str, Demand] = {
    "default/a": demand("a", in_flight=1),
    "default/b": demand("b", in_flight=2),
    "other/c": demand("c"),
}


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait("Leaving", ("default/a",)), "a leaves when its 1 request ends"),
        (Wait("Leaving", ("default/a", "default/b")), "a and b leave when their 3 requests end"),
        (Wait("Leaving", ("other/c",)), "other/c leaves"),
        (Wait("Turn", ("default/a",), NOW + 7.2), "it is the turn of a for another 8 s at most"),
        (Wait("Turn", ("default/a",)), "it is the turn of a"),
        (Wait("Line", ("default/b",)), "b waited before"),
        (Wait("Line"), "others waited before"),
    ],
)
def test_whom_one_waits_for(wait: Wait, words: str) -> None:
    assert waiting(wait, AROUND, NOW) == f"waiting for memory: {words}"


def test_one_who_leaves_with_nothing_to_do() -> None:
    assert leaving(demand()) == "it makes room"

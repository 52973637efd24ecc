"""What local mode decides, as a table: worlds, and the actions that they call for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from auriga_api.model import Artifact, Autoscaling
from auriga_cli.local.plan import Action, Shortage, StartEngine, StartFetch, StopEngine, StopFetch, decide
from auriga_cli.local.state import (
    Blocked,
    Failure,
    Fetch,
    Limits,
    Memory,
    Process,
    Wanted,
    WeightsRequest,
    World,
)  # fmt: skip
from auriga_operator.weights.memory import RESERVE

MIB = 1 << 20
NOW = 1000.0
LIMITS = Limits(load=600, silent=60, backoff_first=1, backoff_limit=60, healthy_again=60)
REQUEST = WeightsRequest("w1", {"file": {"path": "m.gguf"}}, "/", 512, 1)
WANTED = Wanted("default/m", "m", 1, REQUEST, "r1")
HERE = Fetch("w1", "Done", path="/m.gguf", artifact=Artifact(size_bytes=100 * MIB))
NEED = 164 * MIB
"""Of the weights in HERE, with the program around them."""


def process(number: int = 1, **changes: object) -> Process:
    usual = Process(number, "default/m", 0, "r1", "Healthy", since=NOW - 5, progress=NOW, memory=NEED)
    return replace(usual, **changes)  # type: ignore[arg-type]


def world(
    *processes: Process,
    wanted: Sequence[Wanted] = (WANTED,),
    fetches: Sequence[Fetch] = (HERE,),
    memory: Memory | None = None,
    failure: Failure | None = None,
) -> World:
    return World(
        wanted={each.model: each for each in wanted},
        fetches={each.id: each for each in fetches},
        processes=processes,
        failures={("default/m", 0, "r1"): failure} if failure else {},
        memory=memory,
    )


START = StartEngine("default/m", 0, "r1", NEED)
OLD = process(7, revision="r0")
GPU = replace(WANTED, on_gpu=True)
ON_GPU = replace(START, memory=0, gpu_memory=100 * MIB + RESERVE)
TURNS = replace(WANTED, replicas=0, autoscaling=Autoscaling())
TWO = replace(WANTED, replicas=2)
ROOMY = Memory(1000 * MIB, 1000 * MIB)


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        pytest.param(world(fetches=()), [StartFetch(REQUEST)], id="weights come first"),
        pytest.param(world(fetches=[Fetch("w1", "Running")]), [], id="while they come, nothing starts"),
        pytest.param(world(), [START], id="weights are here"),
        pytest.param(world(process(state="Loading")), [], id="it is loading"),
        pytest.param(world(process()), [], id="it serves"),
        pytest.param(world(process(state="Stopping")), [START], id="its predecessor is stopping"),
        pytest.param(world(wanted=[TWO]), [START, replace(START, replica=1)], id="two replicas"),
        pytest.param(world(process(replica=1), wanted=[TWO]), [START], id="the missing replica only"),
        pytest.param(
            world(process(), process(2, replica=1)), [StopEngine(2, "Removed")], id="one replica too many",
        ),
        pytest.param(world(process(), wanted=[]), [StopEngine(1, "Removed")], id="the Model is gone"),
        pytest.param(
            world(process(), wanted=[replace(WANTED, replicas=0)]), [StopEngine(1, "Removed")], id="suspended",
        ),
        pytest.param(world(process(state="Stopping"), wanted=[]), [], id="already stopping"),
        pytest.param(
            world(wanted=[], fetches=[Fetch("w1", "Running")]), [StopFetch("w1")], id="nobody wants the weights now",
        ),
        pytest.param(
            world(wanted=[replace(WANTED, blocked=Blocked("SecretMissing", "..."))]), [], id="blocked: nothing starts",
        ),
        pytest.param(
            world(OLD, wanted=[replace(WANTED, blocked=Blocked("SecretMissing", "..."))]), [],
            id="blocked: what runs goes on",
        ),
        pytest.param(
            world(fetches=(), wanted=[WANTED, replace(WANTED, model="default/n")]), [StartFetch(REQUEST)],
            id="the same weights are fetched once",
        ),
        # A changed Model.
        pytest.param(world(OLD), [START], id="changed: the new one starts beside the old one"),
        pytest.param(world(OLD, process(8, state="Loading")), [], id="changed: the old one serves while the new loads"),
        pytest.param(world(OLD, process(8)), [StopEngine(7, "Replaced")], id="changed: the new one serves"),
        pytest.param(
            world(process(7, revision="r0", state="Loading")), [StopEngine(7, "Replaced"), START],
            id="changed while it was loading",
        ),
        pytest.param(world(OLD, fetches=()), [StartFetch(REQUEST)], id="changed: the old serves while weights come"),
        pytest.param(
            world(OLD, wanted=[GPU]), [StopEngine(7, "MakeRoom")], id="changed, on a GPU: the old one goes first",
        ),
        pytest.param(
            world(process(7, revision="r0", state="Stopping"), wanted=[GPU]), [], id="on a GPU: it is not gone yet",
        ),
        pytest.param(world(wanted=[GPU]), [ON_GPU], id="on a GPU: it is gone"),
        # Failures.
        pytest.param(world(failure=Failure(1, NOW - 0.5)), [], id="crashed just now"),
        pytest.param(world(failure=Failure(1, NOW - 1)), [START], id="crashed a second ago"),
        pytest.param(world(failure=Failure(9, NOW - 59)), [], id="crashed often"),
        pytest.param(world(failure=Failure(9, NOW - 60)), [START], id="crashed often, and waited the limit"),
        pytest.param(world(OLD, failure=Failure(1, NOW)), [], id="changed for the worse: the old one serves on"),
        pytest.param(
            world(fetches=[Fetch("w1", "Failed", failure=Failure(2, NOW - 1))]), [], id="the fetch failed just now",
        ),
        pytest.param(
            world(fetches=[Fetch("w1", "Failed", failure=Failure(2, NOW - 2))]), [StartFetch(REQUEST)],
            id="the fetch is tried again",
        ),
        pytest.param(
            world(process(state="Loading", progress=NOW - 600)), [StopEngine(1, "NeverHealthy")], id="never healthy",
        ),
        pytest.param(
            world(process(state="Loading", since=NOW - 9000, progress=NOW - 599)), [], id="slow, but getting on",
        ),
        pytest.param(world(process(progress=NOW - 60)), [StopEngine(1, "Unresponsive")], id="hung"),
        # Models that take turns: `sharing` says how many replicas they may have.
        pytest.param(world(wanted=[TURNS], fetches=()), [StartFetch(REQUEST)], id="its weights come unasked"),
        pytest.param(world(wanted=[TURNS], fetches=[Fetch("w1", "Running")]), [], id="and go on coming"),
        pytest.param(world(wanted=[TURNS]), [], id="nobody asks it"),
        pytest.param(world(process(), wanted=[TURNS]), [StopEngine(1, "Turn")], id="its turn is over"),
        pytest.param(
            world(process(), process(2, replica=1), wanted=[replace(TURNS, replicas=1)]), [StopEngine(2, "Turn")],
            id="one replica makes room",
        ),
        # Memory.
        pytest.param(world(memory=ROOMY), [START], id="there is room"),
        pytest.param(world(memory=Memory(1000 * MIB, 100 * MIB)), [], id="the system has too little left"),
        pytest.param(world(OLD, memory=Memory(200 * MIB, 200 * MIB)), [StopEngine(7, "MakeRoom")],
                     id="room for one: the old one makes way"),
        pytest.param(
            world(process(7, revision="r0", state="Stopping"), memory=Memory(200 * MIB, 200 * MIB)), [],
            id="room for one: the old one is not gone yet",
        ),
        pytest.param(
            world(OLD, memory=Memory(50 * MIB, 50 * MIB)), [], id="no room even alone: the old one serves on",
        ),
        pytest.param(
            world(wanted=[TWO], memory=Memory(200 * MIB, 200 * MIB)), [START], id="room for the first replica only",
        ),
    ],
)  # fmt: skip
def test_decide(given: World, actions: list[Action]) -> None:
    assert list(decide(given, NOW, LIMITS).actions) == actions


def test_a_model_that_does_not_fit_is_named_with_what_it_needs() -> None:
    plan = decide(world(memory=Memory(1000 * MIB, 100 * MIB)), NOW, LIMITS)
    assert plan.shortages == {"default/m": Shortage(NEED, 100 * MIB, 1000 * MIB)}


def test_an_engine_that_is_still_loading_has_its_memory_set_aside() -> None:
    loading = process(1, model="default/n", state="Loading", memory=900 * MIB)
    both = [WANTED, replace(WANTED, model="default/n")]
    plan = decide(world(loading, wanted=both, memory=ROOMY), NOW, LIMITS)
    assert plan.actions == ()
    assert list(plan.shortages) == ["default/m"]


def test_mapped_weights_count_although_the_system_calls_them_available() -> None:
    serving = process(1, model="default/n", memory=900 * MIB)
    both = [WANTED, replace(WANTED, model="default/n")]
    plan = decide(world(serving, wanted=both, memory=ROOMY), NOW, LIMITS)
    assert list(plan.shortages) == ["default/m"]


@pytest.mark.parametrize(
    ("given", "wake_at"),
    [
        pytest.param(world(process()), NOW + 60, id="until it would count as hung"),
        pytest.param(world(process(state="Loading")), NOW + 600, id="until it would count as never healthy"),
        pytest.param(world(failure=Failure(3, NOW - 1)), NOW + 3, id="until the next try"),
        pytest.param(world(process(state="Loading", progress=NOW - 600)), NOW, id="a failure is counted at once"),
        pytest.param(world(wanted=[]), float("inf"), id="nothing to wait for"),
    ],
)
def test_when_to_look_again(given: World, wake_at: float) -> None:
    assert decide(given, NOW, LIMITS).wake_at == wake_at

"""Who else is asked, or waited for, while a Model's only endpoint is started again."""

from __future__ import annotations

import pytest

from support.http_router import model, snapshot
from support.returns import CRASHED, HERE, OTHER, World, after, served, state, text
from support.simulation import Fault
from support.simulation_answers import TEXT


@pytest.mark.parametrize("stream", [False, True])
def test_another_member_that_can_answer_again_is_not_waited_past(stream: bool) -> None:
    world = World(served("m2"), spec={"limits": {"maxQueued": 1}})
    world.become(CRASHED)
    world.servers[OTHER].faults = [Fault("429 for 3")]
    world.post(name="m2")
    world.run()
    client = world.post(stream=stream)
    world.returns(25.0)
    assert 2.9 <= world.run() <= 5.2
    assert text("openai", client, stream=stream) == TEXT
    assert world.idle()


def test_but_it_is_where_the_chain_waits_for_a_cold_one() -> None:
    world = World(served("m2"), spec={"limits": {"maxQueued": 1}}, fallback={"onCold": "Wait"})
    world.become(state("Loading"))
    client = world.post()
    world.returns(12.0)
    assert 12.0 <= world.run() <= 12.5
    assert text("openai", client) == TEXT
    assert world.servers[OTHER].requests == 0


def test_a_provider_is_nobody_elses_to_start_again() -> None:
    external = {"provider": "openaiCompatible", "model": "m", "baseURL": f"http://{OTHER}/v1"}
    refused, cut = Fault("refused"), Fault("cut", 3)
    for faults, outcomes in (([refused], ["Connect"]), ([cut, refused], ["Cut", "Connect"])):
        world = World()
        world.apply(snapshot(model("m1", external=external), *world.objects))
        world.servers[OTHER].faults = list(faults)
        world.post()
        assert world.run() < 0.2
        assert world.outcomes == outcomes


@pytest.mark.parametrize("on_cold", ["Spill", "Wait"])
@pytest.mark.parametrize("able", [True, False])
def test_other_members_are_asked_first(able: bool, on_cold: str) -> None:
    prefill = {"capabilities": ["chat", *(["prefill"] if able else [])]}
    world = World(served("m2", **prefill), fallback={"onCold": on_cold})
    client = world.post()
    world.dies(after(3), 0.0)
    world.returns(8.0)
    seconds = world.run()
    assert text("openai", client) == TEXT
    assert seconds < 0.5 if able else 8.0 <= seconds <= 8.4
    assert world.servers[OTHER].requests == (2 if able else 0)


@pytest.mark.parametrize("stream", [False, True])
def test_who_would_wait_for_a_cold_member_does_not_for_one_that_crashed(stream: bool) -> None:
    """``onCold: Wait`` is for starts that go well; where somebody else can answer, a crash is a failure."""
    world = World(served("m2"), fallback={"onCold": "Wait"})
    world.become(state("Loading"))
    waits = world.post(stream=stream)
    world.later(2.0, lambda: world.become(CRASHED))
    assert 2.0 <= world.run() <= 2.3
    assert text("openai", waits, stream=stream) == TEXT
    late = world.post(stream=stream)
    assert world.run() <= 0.3
    assert text("openai", late, stream=stream) == TEXT
    assert world.servers[OTHER].requests == 2


def test_a_member_that_is_asleep_may_be_back_first() -> None:
    asleep = served("m2", state("ScaledToZero"), autoscaling={"minReplicas": 0, "maxReplicas": 1})
    world = World(asleep)
    awake, world.objects = world.objects, [asleep, world.objects[-1]]
    world.apply(snapshot(served(), *world.objects, endpoints={"m1": HERE}))
    client = world.post()
    world.later(after(3), lambda: world.kill(HERE))
    world.later(1.0, lambda: world.apply(snapshot(served("m1", CRASHED), *world.objects)))
    world.later(6.0, lambda: world.apply(snapshot(served("m1", CRASHED), *awake, endpoints={"m2": OTHER})))
    assert 6.0 <= world.run() <= 6.4
    assert text("openai", client) == TEXT
    assert world.table.backends["default/m2"].slots.requests == 2, "woken, and asked"


def test_a_member_that_woke_while_another_one_failed_is_asked_at_once() -> None:
    """Not waited for, as it was when the request came."""
    asleep = served("m1", state("ScaledToZero"), autoscaling={"minReplicas": 0, "maxReplicas": 1})
    world = World(served("m2", timeouts={"firstToken": "5s"}))
    world.apply(snapshot(asleep, *world.objects, endpoints={"m2": OTHER}))
    world.servers[OTHER].faults = [Fault("hang")]
    client = world.post()
    world.later(2.0, lambda: world.become(state("Ready", "Serving"), HERE))
    assert 5.0 <= world.run() <= 5.3
    assert text("openai", client) == TEXT

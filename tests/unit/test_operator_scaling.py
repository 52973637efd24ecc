"""Whose replicas follow the load, when a Model is woken for that, and which pods go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auriga_api.load import EndpointLoad, LoadReport, ModelLoad
from auriga_operator.farewell import marks
from auriga_operator.load_book import LoadBook
from auriga_operator.notices import event, of_model
from auriga_operator.plan import Plan, decide
from auriga_operator.resources import Key
from auriga_operator.scaling import Scaling
from auriga_operator.settings import Settings
from auriga_operator.snapshot import ModelSnapshot, Scale
from auriga_operator.status import model_status
from support.operator_world import NOW, a_model, a_pod, after, deployment_key, seen, settled

ROUTER, MODEL = "10.0.0.1:8080", Key("Model", "default", "m")
BOUNDS = {"minReplicas": 0, "maxReplicas": 8, "targetInFlight": 4, "idleTimeout": "10m"}


class World:
    """One router that tells the load of one Model."""

    def __init__(self, **status: Any) -> None:
        self.now = 0.0
        self.book = LoadBook()
        self.woken: list[tuple[Key, float]] = []
        self.scaling = Scaling(
            self.book, lambda key, delay: self.woken.append((key, delay)), clock=lambda: self.now, wall=lambda: NOW
        )
        self.book.listed({ROUTER: True})
        self.seen = seen(a_model(autoscaling=BOUNDS, status=status or None))
        self.told(full=True)

    def told(self, in_flight: int = 0, *, requests: int = 0, full: bool = False) -> None:
        load = ModelLoad(in_flight, requests=requests, endpoints={"10.1.0.1:8080": EndpointLoad(in_flight)})
        self.scaling.changed(self.book.told(ROUTER, LoadReport("r", {"default/m": load}, full=full), self.now))

    def scale(self) -> Scale:
        scale, self.again = self.scaling.scale(self.seen)
        assert scale
        return scale

    def with_replicas(self, replicas: int) -> None:
        plan = decide(replace(self.seen, scale=Scale(replicas, "")), Settings(), NOW)
        self.seen = after(self.seen, plan)


def test_without_autoscaling_and_while_suspended_nobody_scales() -> None:
    world = World()
    assert world.scaling.scale(seen(a_model(replicas=3))) == (None, None)
    assert seen(a_model(replicas=3)).replicas == 3
    suspended = seen(a_model(autoscaling=BOUNDS, suspended=True))
    assert world.scaling.scale(suspended) == (None, None)
    assert replace(suspended, scale=Scale(2, "")).replicas == 0


def test_without_a_load_signal_it_serves_and_says_what_is_missing() -> None:
    scaling = Scaling(None, lambda *_: None, clock=lambda: 0.0, wall=lambda: NOW)
    scale, again = scaling.scale(seen(a_model(autoscaling=BOUNDS)))
    assert scale
    assert (scale.desired, again) == (1, None)
    assert "set routerService" in scale.reason


def test_a_new_model_costs_nothing_before_it_is_asked() -> None:
    world = World()
    assert world.scale().desired == 0
    assert world.again is None
    world.told(requests=1)
    assert world.woken == [(MODEL, 0.0)]
    scale = world.scale()
    assert (scale.desired, scale.since) == (1, "2027-01-15T08:00:00Z")


def test_it_is_woken_for_another_number_and_not_for_each_report() -> None:
    world = World()
    world.scale()
    world.told(9)
    assert world.woken == [(MODEL, 0.0)]
    assert world.scale().desired == 3
    for load in (10, 11, 12, 9):
        world.told(load)
    assert len(world.woken) == 1
    world.told(13)
    assert len(world.woken) == 2


def test_a_load_that_falls_is_looked_at_when_the_window_is_over() -> None:
    world = World()
    world.scale()
    world.told(9)
    world.scale()
    world.now = 10.0
    world.told(5)
    assert world.woken[-1] == (MODEL, 300.0)
    world.now = 310.0
    assert world.scale().desired == 2


def test_what_was_asked_of_one_that_is_gone_is_forgotten() -> None:
    world = World()
    world.scale()
    world.told(requests=5)
    assert world.book.load("default/m", 0.0).requests == 5  # type: ignore[union-attr]  # a router tells
    world.scaling.forget(MODEL)
    assert world.book.load("default/m", 0.0).requests == 0  # type: ignore[union-attr]
    world.told(requests=6)  # the router does not know yet
    assert world.book.load("default/m", 0.0).requests == 0  # type: ignore[union-attr]


def test_models_that_do_not_follow_a_load_are_not_woken_by_it() -> None:
    world = World()
    world.told(90)
    assert world.woken == []


def test_a_load_that_becomes_known_or_unknown_concerns_everybody() -> None:
    world = World()
    world.book.listed({ROUTER: True, "10.0.0.2:8080": True})
    world.with_replicas(1)
    assert world.scale().desired == 1
    world.book.listed({ROUTER: True})
    world.scaling.whole()
    assert world.woken == [(MODEL, 300.0)]


@pytest.mark.parametrize(
    ("live", "status", "desired"),
    [
        (3, {"autoscaling": {"desired": 5, "reason": "old"}}, 3),  # what is there counts
        (None, {"autoscaling": {"desired": 5, "reason": "old"}}, 5),  # or what was decided while weights are fetched
        (None, {}, 0),
    ],
)
def test_who_takes_over_begins_with_what_is_there(live: int | None, status: dict[str, Any], desired: int) -> None:
    world = World(**status)
    if live is not None:
        world.with_replicas(live)
    assert world.scale().desired == desired


def test_who_takes_over_writes_nothing_new() -> None:
    said = {"desired": 3, "reason": "12 in flight", "lastScaleTime": "2026-01-01T00:00:00Z"}
    world = World(autoscaling=said)
    world.with_replicas(3)
    status = model_status(replace(world.seen, scale=world.scale()), None, NOW)
    assert status["autoscaling"] == said


def test_pods_without_a_place_keep_it_from_asking_for_more() -> None:
    world = World()
    world.with_replicas(2)
    revision = world.seen.deployment.revision if world.seen.deployment else ""
    waiting = a_pod("b", ready=False, node="", unscheduled="0/1 nodes: Insufficient nvidia.com/gpu", revision=revision)
    world.seen = replace(world.seen, pods=(a_pod("a", revision=revision), waiting))
    world.told(32)
    scale = world.scale()
    assert (scale.desired, scale.reason) == (2, "8 replicas are wanted, but there is no room yet for 1 of 2")
    ready = model_status(replace(world.seen, scale=scale), None, NOW)["conditions"][0]
    assert ready["reason"] == "Unschedulable"
    assert "nvidia.com/gpu" in ready["message"]


def test_at_zero_it_says_so() -> None:
    world = World()
    status = model_status(replace(world.seen, scale=world.scale()), None, NOW)
    assert status["phase"] == "ScaledToZero"
    ready = status["conditions"][0]
    assert (ready["status"], ready["reason"]) == ("False", "ScaledToZero")
    assert ready["message"] == "nobody asks it: the next request starts it"
    assert status["autoscaling"] == {"desired": 0, "reason": "nobody asks it"}


def test_each_decision_is_an_event_of_its_own() -> None:
    def status(desired: int, at: str) -> dict[str, Any]:
        condition = {"type": "Ready", "status": "True", "reason": "Serving", "message": ""}
        scale = {"desired": desired, "reason": "busy", "lastScaleTime": at}
        return {"conditions": [condition], "autoscaling": scale}

    (notice,) = of_model(status(1, "t1"), status(3, "t2"))
    assert (notice.type, notice.reason, notice.message) == ("Normal", "Scaled", "1 -> 3 replicas: busy")
    (again,) = of_model(status(1, "t3"), status(3, "t4"))
    about = {"apiVersion": "v", "kind": "Model", "metadata": {"name": "m", "namespace": "default", "uid": "u"}}
    first, second = (event(each, about, "auriga", NOW) for each in (notice, again))
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert list(of_model(status(3, "t4"), status(3, "t4"))) == []


PODS = tuple(a_pod(f"p{n}", ip=f"10.1.0.{n}") for n in range(1, 5))
LOADS = {
    "10.1.0.1:8080": EndpointLoad(2, 0.0),
    "10.1.0.2:8080": EndpointLoad(0, 50.0),
    "10.1.0.3:8080": EndpointLoad(0, 900.0),
    "10.1.0.4:8080": EndpointLoad(1, 1.0),
}


def going(replicas: int, *pods: Any) -> dict[str, int]:
    snapshot = seen(a_model(autoscaling=BOUNDS), pods=pods or PODS, scale=Scale(replicas, "", endpoints=LOADS))
    return {mark.key.name: mark.cost for mark in marks(snapshot)}


def test_who_goes_has_least_to_do_and_was_idle_longest() -> None:
    assert going(3) == {"p3": -1}
    assert going(2) == {"p3": -2, "p2": -1}
    assert going(1) == {"p3": -3, "p2": -2, "p4": -1}


def test_who_never_got_a_request_goes_first() -> None:
    assert going(4, *PODS, a_pod("new", ip="10.1.0.9")) == {"new": -1}


def test_pods_that_are_not_ready_go_without_a_mark() -> None:
    assert going(4, *PODS, a_pod("starting", ip="", ready=False)) == {}


def test_an_old_mark_is_taken_back_and_one_that_stands_is_left() -> None:
    marked = replace(PODS[0], deletion_cost=-1)
    assert going(3, marked, *PODS[1:]) == {"p3": -1, "p1": 0}
    assert going(3, *PODS[:2], replace(PODS[2], deletion_cost=-1), PODS[3]) == {}


def scaled_to(replicas: int, *, image: str = "", hold: bool = False) -> tuple[ModelSnapshot, Plan]:
    """A Model with four pods that is to have ``replicas``."""
    world = seen(a_model(autoscaling=BOUNDS, status={"observedGeneration": 1}))
    world = after(world, decide(replace(world, scale=Scale(4, "")), Settings(), NOW))
    key = deployment_key(world.model)
    world = replace(world, owned={**world.owned, key: settled(world.owned[key])}, pods=PODS)
    world = replace(world, scale=Scale(replicas, "", endpoints=LOADS))
    settings = Settings(engine_images={"cpu": image} if image else {})
    return world, decide(world, settings, NOW, hold=hold)


def test_pods_are_marked_before_there_are_fewer() -> None:
    _, plan = scaled_to(3)
    assert [(item["kind"], item["spec"]["replicas"]) for item in plan.apply] == [("Deployment", 3)]
    assert [mark.key.name for mark in plan.marks] == ["p3"]
    assert scaled_to(0)[1].marks == ()
    assert scaled_to(5)[1].marks == ()


def test_a_rollout_that_has_to_wait_does_not_hold_up_the_load() -> None:
    world, plan = scaled_to(2, image="another:1", hold=True)
    assert plan.apply == ()
    assert plan.resize
    assert (plan.resize.key, plan.resize.replicas) == (deployment_key(world.model), 2)
    assert len(plan.marks) == 2
    assert scaled_to(4, image="another:1", hold=True)[1].resize is None

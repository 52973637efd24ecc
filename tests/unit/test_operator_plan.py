"""What is changed in which situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auriga_api import Model
from auriga_operator.objects.names import weights_job
from auriga_operator.objects.weights import identity
from auriga_operator.plan import Plan, decide
from auriga_operator.resources import Key, key_of
from auriga_operator.settings import Settings
from auriga_operator.snapshot import FetchReport, ModelSnapshot, SecretView
from auriga_operator.views import EventView
from support.operator_world import HUB, NOW, a_model, a_pod, after, claim_key, deployment_key, seen, settled

SETTINGS = Settings(surge_patience=10)
THERE = FetchReport(path="hub/q.gguf")


def plan(snapshot: ModelSnapshot, now: float = NOW) -> Plan:
    return decide(snapshot, SETTINGS, now)


def done(snapshot: ModelSnapshot) -> ModelSnapshot:
    """The world after one plan, with the Deployment's pods all there."""
    world = after(snapshot, plan(snapshot))
    key = deployment_key(snapshot.model)
    return replace(world, owned={**world.owned, key: settled(world.owned[key])}) if key in world.owned else world


def applied(found: Plan) -> list[str]:
    return [item["kind"] for item in found.apply]


def deleted(found: Plan) -> list[str]:
    return [each.key.kind for each in found.delete]


def edited(snapshot: ModelSnapshot, **spec: Any) -> ModelSnapshot:
    return replace(snapshot, model=a_model(snapshot.model.metadata.name, **spec))


@pytest.mark.parametrize(
    ("model", "kinds"),
    [
        (a_model(), ["Service", "Deployment"]),
        (a_model(replicas=2), ["Service", "PodDisruptionBudget", "Deployment"]),
        (a_model(autoscaling={"maxReplicas": 2}), ["Service", "PodDisruptionBudget", "Deployment"]),
        (a_model(source=HUB), ["Service", "PersistentVolumeClaim", "Job"]),
        (a_model(source=HUB, suspended=True), ["Service", "PersistentVolumeClaim"]),
        (a_model(external={"provider": "openai"}, source=None), []),
    ],
)
def test_what_a_new_model_gets(model: Model, kinds: list[str]) -> None:
    found = plan(seen(model))
    assert applied(found) == kinds
    assert found.delete == ()
    assert (str(found) == "nothing") is (not kinds)


def test_what_stands_is_left_alone() -> None:
    assert plan(done(seen(a_model(replicas=2)))).empty


def test_an_edit_changes_only_what_it_is_about() -> None:
    world = done(seen())
    assert applied(plan(edited(world, engine={"parallel": 2}))) == ["Deployment"]
    more = plan(edited(world, replicas=3))
    assert applied(more) == ["PodDisruptionBudget", "Deployment"]
    assert deleted(plan(edited(done(edited(world, replicas=3))))) == ["PodDisruptionBudget"]


def test_a_missing_reference_makes_nothing_and_takes_nothing_down() -> None:
    broken = {"engine": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}}
    assert applied(plan(seen(a_model(**broken)))) == ["Service"]
    assert plan(edited(done(seen()), **broken)).empty
    fetching = done(seen(a_model(source=HUB)))
    assert plan(edited(fetching, source=HUB, **broken)).empty


def test_fetched_weights_are_served_and_their_job_stays() -> None:
    world = replace(done(seen(a_model(source=HUB))), report=THERE)
    assert applied(plan(world)) == ["Deployment"]
    served = done(world)
    assert plan(served).empty
    lost = replace(served, report=FetchReport())
    assert plan(lost).empty, "the Deployment remembers where they lie"


def test_a_suspended_model_fetches_nothing_and_keeps_what_is_there() -> None:
    fetching = done(seen(a_model(source=HUB)))
    assert deleted(plan(edited(fetching, source=HUB, suspended=True))) == ["Job"]
    (key,) = (key for key in fetching.owned if key.kind == "Job")
    complete = {**fetching.owned[key], "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    fetched = replace(fetching, owned={**fetching.owned, key: complete}, report=THERE)
    assert deleted(plan(edited(fetched, source=HUB, suspended=True))) == []


def test_other_weights_come_beside_those_that_serve() -> None:
    served = done(replace(done(seen(a_model(source=HUB))), report=THERE))
    other = {"huggingFace": {"repo": "o/other"}}
    world = replace(edited(served, source=other), report=FetchReport())
    found = plan(world)
    assert applied(found) == ["Job"]
    assert deleted(found) == ["Job"]
    assert deployment_key(served.model) in after(world, found).owned


def test_a_source_that_is_given_needs_no_claim_of_ours() -> None:
    served = done(replace(done(seen(a_model(source=HUB))), report=THERE))
    found = plan(replace(edited(served), report=FetchReport()))
    assert sorted(deleted(found)) == ["Job", "PersistentVolumeClaim"]
    assert claim_key(served.model) in {each.key for each in found.delete}


def job_of(world: ModelSnapshot) -> Key:
    return Key("Job", "default", weights_job("m", identity(world.model)))


def ended(world: ModelSnapshot, kind: str) -> ModelSnapshot:
    item = world.owned[job_of(world)]
    status = {"conditions": [{"type": kind, "status": "True"}]}
    return replace(world, owned={**world.owned, job_of(world): {**item, "status": status}})


def test_a_result_that_is_lost_is_fetched_again() -> None:
    world = ended(done(seen(a_model(source=HUB))), "Complete")
    assert deleted(plan(world)) == ["Job"]
    assert applied(plan(after(world, plan(world)))) == ["Job"]


def test_another_token_is_another_try_only_where_the_last_one_failed() -> None:
    source = {"huggingFace": {**HUB["huggingFace"], "tokenSecretRef": {"name": "hf", "key": "t"}}}
    first = seen(a_model(source=source), secrets={"hf": SecretView("1", frozenset("t"))})
    world = replace(done(first), secrets={"hf": SecretView("2", frozenset("t"))})
    assert plan(world).empty
    failed = replace(world, report=FetchReport(reason="Unauthorized", message="m"))
    assert deleted(plan(failed)) == ["Job"]


def test_a_model_that_moves_to_a_provider_gives_everything_up() -> None:
    served = done(replace(done(seen(a_model(source=HUB, replicas=2))), report=THERE))
    found = plan(edited(served, external={"provider": "openai"}, source=None))
    assert found.apply == ()
    assert {each.key for each in found.delete} == set(served.owned)


def test_what_belonged_to_a_former_model_of_that_name_is_waited_for() -> None:
    world = done(seen())
    again = Model.model_validate(
        {
            "metadata": {"name": "m", "uid": "another", "generation": 1},
            "spec": a_model().spec.model_dump(by_alias=True, exclude_unset=True),
        }
    )
    found = plan(replace(world, model=again))
    assert found.empty


class TestSurge:
    """A new pod comes first, until one finds no place beside the old ones."""

    def rolling(self, pod: dict[str, Any]) -> ModelSnapshot:
        world = done(seen())
        edit = edited(world, engine={"parallel": 2})
        made = after(edit, plan(edit))
        key = deployment_key(made.model)
        item = made.owned[key]
        new = item["spec"]["template"]["metadata"]["annotations"]["auriga.dev/revision"]
        item["status"] = {"observedGeneration": item["metadata"]["generation"], "replicas": 2, "updatedReplicas": 1}
        old = a_pod("old", revision="old")
        waiting = a_pod("new", revision=new, ready=False, node="", begun=False, containers=(), **pod)
        return replace(made, owned={**made.owned, key: item}, pods=(old, waiting))

    def strategy(self, found: Plan) -> Any:
        return [
            item["spec"]["strategy"]["rollingUpdate"]["maxSurge"] for item in found.apply if "strategy" in item["spec"]
        ]

    def test_a_pod_that_just_waits_is_given_time(self) -> None:
        found = plan(self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 4}))
        assert (self.strategy(found), found.look_again) == ([], 6)

    def test_then_an_old_one_goes_first(self) -> None:
        found = plan(self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 11}))
        assert self.strategy(found) == [0]

    def test_and_so_it_stays_until_all_are_new(self) -> None:
        stuck = self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 11})
        world = after(stuck, plan(stuck))
        assert plan(replace(world, pods=world.pods[1:])).empty
        key = deployment_key(world.model)
        over = replace(world, owned={**world.owned, key: settled(world.owned[key])})
        assert self.strategy(plan(over)) == [1]

    def test_a_device_that_comes_free_counts_anew(self) -> None:
        stuck = self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 99})
        found = plan(replace(stuck, freed=NOW - 4))
        assert (self.strategy(found), found.look_again) == ([], 6)
        assert self.strategy(plan(replace(stuck, freed=NOW - 11))) == [0]

    def short(self, *, placed: int, waiting: int) -> ModelSnapshot:
        """Four replicas are wanted, and a new pod waits beside old ones of which some wait, too."""
        world = self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 11})
        model = a_model(engine={"parallel": 2}, replicas=4)
        old = [a_pod(f"old-{number}", revision="old") for number in range(placed)]
        old += [a_pod(f"late-{n}", revision="old", ready=False, node="", containers=()) for n in range(waiting)]
        return replace(world, model=model, pods=(*old, world.pods[-1]))

    def unavailable(self, found: Plan) -> Any:
        return [
            item["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"]
            for item in found.apply
            if "strategy" in item["spec"]
        ]

    def test_pods_that_had_no_place_before_do_not_keep_an_old_one_from_going(self) -> None:
        found = self.short(placed=2, waiting=2)
        assert self.unavailable(plan(found)) == [3]
        assert self.unavailable(plan(self.short(placed=4, waiting=0))) == [1]

    def test_between_an_old_pod_and_its_successor_no_other_one_goes(self) -> None:
        found = self.short(placed=2, waiting=2)
        world = after(found, plan(found))
        leaving = replace(world.pods[0], deleting=True)
        assert plan(replace(world, pods=(leaving, *world.pods[1:]))).empty
        assert plan(replace(world, pods=world.pods[1:])).empty
        more = a_pod("more", revision="old")
        assert self.unavailable(plan(replace(world, pods=(*world.pods, more)))) == [2], "a device has come"

    def test_a_volume_that_another_node_holds_counts_as_no_place(self) -> None:
        warning = EventView("FailedAttachVolume", "Multi-Attach error")
        world = replace(self.rolling({"created": NOW - 20}), warnings={"uid-new": warning})
        assert self.strategy(plan(world)) == [0]

    def test_a_pod_that_waits_with_no_old_one_beside_it_changes_nothing(self) -> None:
        world = self.rolling({"unscheduled": "Insufficient", "unscheduled_since": NOW - 99})
        assert plan(replace(world, pods=world.pods[1:])).empty


def test_the_plan_reads_as_what_it_does() -> None:
    text = str(plan(edited(done(seen(a_model(replicas=2))))))
    assert text == "apply Deployment default/model-m, delete PodDisruptionBudget default/model-m"
    assert {key_of(item).namespace for item in plan(seen()).apply} == {"default"}


class TestUpgrade:
    """Another version of the operator, or another setting, wants other pods for all Models."""

    upgraded = Settings(engine_args=("--new",))

    def world(self, **spec: Any) -> ModelSnapshot:
        model = a_model(status={"observedGeneration": 1, "conditions": []}, **spec)
        return done(replace(done(seen(model)), report=THERE)) if "source" in spec else done(seen(model))

    def test_it_waits_for_others_and_looks_again(self) -> None:
        held = decide(self.world(), self.upgraded, NOW, hold=True)
        assert held.empty
        assert held.look_again

    def test_then_it_goes_on(self) -> None:
        found = decide(self.world(), self.upgraded, NOW)
        assert applied(found) == ["Deployment"]
        assert found.replaces_pods

    def test_a_change_of_the_model_waits_for_nobody(self) -> None:
        world = self.world()
        model = a_model(status={"observedGeneration": 0, "conditions": []}, engine={"parallel": 2})
        assert applied(decide(replace(world, model=model), self.upgraded, NOW, hold=True)) == ["Deployment"]

    def test_other_weights_that_have_come_wait_for_nobody(self) -> None:
        world = self.world(source=HUB)
        other = a_model(status={"observedGeneration": 1, "conditions": []}, source={"huggingFace": {"repo": "o/other"}})
        come = replace(world, model=other, report=FetchReport(path="hub/other.gguf"))
        assert "Deployment" in applied(decide(come, SETTINGS, NOW, hold=True))

    def test_more_replicas_replace_nothing(self) -> None:
        found = decide(edited(self.world(), replicas=2), SETTINGS, NOW)
        assert not found.replaces_pods
        assert not plan(seen()).replaces_pods

"""Whatever a Model asks for and whatever there is: plans come to an end, and take only what is the Model's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auriga_api import Model
from auriga_operator.drift import up_to_date
from auriga_operator.objects.deployment import deployment
from auriga_operator.plan import decide
from auriga_operator.resources import Key, Object
from auriga_operator.settings import Settings
from auriga_operator.snapshot import FetchReport, ModelSnapshot, SecretView
from auriga_operator.status import model_status
from support.operator_world import NOW, a_model, a_pod, after, live, seen, settled

SETTINGS = Settings()

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
sources = st.sampled_from([
    {"volume": {"claimName": "weights", "path": "a/m.gguf"}},
    {"volume": {"claimName": "nowhere", "path": "m.gguf"}},
    {"file": {"path": "/models/m-00001-of-00003.gguf"}},
    {"image": {"reference": "r/i:1", "path": "m.gguf"}},
    {"url": {"url": "https://example.com/m.gguf"}},
    {"huggingFace": {"repo": "o/n"}},
    {"huggingFace": {"repo": "o/n", "quantization": "Q8_0", "tokenSecretRef": {"name": "hf", "key": "token"}}},
])  # fmt: skip
quantities = st.sampled_from(["1", "500m", "1000m", "2Gi", "1024Mi", 4])
templates = st.sampled_from([
    {"spec": {"nodeSelector": {}, "hostNetwork": False}},
    {"metadata": {"labels": {"a": ""}}, "spec": {"tolerations": [], "priorityClassName": ""}},
    {"spec": {"containers": [{"name": "engine", "env": [{"name": "X"}], "resources": {"requests": {"cpu": 0.5}}}]}},
    {"spec": {"containers": [{"name": "side", "image": "s", "ports": [{"containerPort": 9}]}], "volumes": []}},
])  # fmt: skip
served = st.fixed_dictionaries(
    {"source": sources},
    optional={
        "replicas": st.integers(0, 4),
        "suspended": st.booleans(),
        "gpuMemory": st.just("24Gi"),
        "engine": st.fixed_dictionaries({}, optional={"parallel": st.integers(1, 9), "contextLength": st.just(4096)}),
        "resources": st.dictionaries(st.just("limits"), st.dictionaries(st.just("memory"), quantities, max_size=1)),
        "podTemplate": templates,
    },
)
external = st.just({"external": {"provider": "openai"}, "source": None})
specs = st.one_of(served, served, served, external)
secrets = st.sampled_from([{}, {"hf": SecretView("1", frozenset(("token",)))}, {"hf": SecretView("2", frozenset())}])
reports = st.sampled_from([
    FetchReport(), FetchReport(path="hub/q.gguf"), FetchReport(reason="DiskFull", message="m"),
    FetchReport(bytes=1, total_bytes=9),
])  # fmt: skip
worlds = st.builds(
    lambda name, spec, secrets, report: seen(a_model(name, **spec), secrets=secrets, report=report),
    names, specs, secrets, reports,
)  # fmt: skip


def carried_out(world: ModelSnapshot) -> ModelSnapshot:
    """The world once plans have nothing more to do; they must come to that soon."""
    for _ in range(4):
        plan = decide(world, SETTINGS, NOW)
        if plan.empty:
            return world
        world = after(world, plan)
    raise AssertionError(f"still to do: {plan}")


@given(worlds)
@settings(max_examples=300, deadline=None)
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(world: ModelSnapshot) -> None:
    carried_out(world)


@given(worlds, specs, secrets, reports)
@settings(max_examples=300, deadline=None)
def test_so_does_the_plan_of_any_edit(
    world: ModelSnapshot, spec: dict[str, Any], secrets: dict[str, SecretView], report: FetchReport
) -> None:
    before = carried_out(world)
    model = a_model(world.model.metadata.name, **spec)
    carried_out(replace(before, model=model, secrets=secrets, report=report))


@given(worlds, st.sampled_from(["replicas", "strategy", "labels", "gone"]))
@settings(max_examples=200, deadline=None)
def test_drift_is_put_right_to_what_was_there(world: ModelSnapshot, how: str) -> None:
    before = carried_out(world)
    changed = {key: _drifted(item, how) for key, item in before.owned.items() if key.kind == "Deployment"}
    drifted = replace(before, owned={**before.owned, **changed})
    if how == "gone":
        drifted = replace(before, owned={key: item for key, item in before.owned.items() if key not in changed})
    after_ = carried_out(drifted)
    assert {key: item["spec"] for key, item in after_.owned.items()} == {
        key: item["spec"] for key, item in before.owned.items()
    }


def _drifted(item: Object, how: str) -> Object:
    spec = dict(item["spec"])
    if how == "replicas":
        spec["replicas"] = 17
    if how == "strategy":
        spec["template"] = {**spec["template"], "spec": {**spec["template"]["spec"], "containers": []}}
    if how == "labels":
        spec["selector"] = {"matchLabels": {}}
    return {**item, "spec": spec}


@given(worlds)
@settings(max_examples=100, deadline=None)
def test_what_others_own_is_never_deleted(world: ModelSnapshot) -> None:
    theirs = {Key("Service", "default", "theirs"): {"kind": "Service", "metadata": {"name": "theirs", "uid": "x"}}}
    plan = decide(replace(world, owned=theirs), SETTINGS, NOW)  # type: ignore[arg-type]
    assert plan.delete == ()


@given(worlds)
@settings(max_examples=100, deadline=None)
def test_names_are_what_kubernetes_takes(world: ModelSnapshot) -> None:
    for key in carried_out(world).owned:
        assert len(key.name) <= 63
        assert key.name[0].isalpha()
        assert key.name[-1].isalnum()


@given(worlds, st.lists(st.booleans(), max_size=3))
@settings(max_examples=200, deadline=None)
def test_every_world_has_a_status_that_the_api_takes_and_that_stays(world: ModelSnapshot, ready: list[bool]) -> None:
    world = carried_out(world)
    owned = {key: settled(item) if key.kind == "Deployment" else item for key, item in world.owned.items()}
    pods = tuple(a_pod(f"p{number}", ready=each) for number, each in enumerate(ready))
    world = replace(world, owned=owned, pods=pods)
    status = model_status(world, None, NOW)
    item = world.model.model_dump(by_alias=True, exclude_unset=True) | {"status": status}
    again = Model.model_validate(item)
    assert model_status(replace(world, model=again), None, NOW + 1000) == status
    kinds = [each["type"] for each in status["conditions"]]
    assert len(kinds) == len(set(kinds))
    answering = any(ready) and not world.model.spec.suspended and world.model.spec.replicas > 0
    truth = next(each["status"] for each in status["conditions"] if each["type"] == "Ready")
    if world.model.spec.source:
        assert (truth == "True") == answering


@given(worlds)
@settings(max_examples=100, deadline=None)
def test_what_the_api_server_makes_of_a_manifest_is_no_drift(world: ModelSnapshot) -> None:
    if world.model.spec.source:
        item = deployment(
            world.model, "q.gguf", 0, replicas=world.replicas, yielding=0, image_volumes=False, settings=SETTINGS
        )
        assert up_to_date(live(item), item)

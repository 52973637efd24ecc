"""A world for the operator's pure parts: Models, what an API server would make of manifests, pods in any state."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from auriga_api import Model
from auriga_operator.objects.names import child, weights_claim
from auriga_operator.plan import Plan
from auriga_operator.resources import Key, Object, key_of
from auriga_operator.snapshot import ModelSnapshot
from auriga_operator.views import ContainerView, Ended, PodView

NOW = 1_800_000_000.0
VOLUME = {"volume": {"claimName": "weights", "path": "m.gguf"}}
HUB = {"huggingFace": {"repo": "Qwen/Qwen3-0.6B-GGUF"}}


def a_model(name: str = "m", *, status: Object | None = None, **spec: Any) -> Model:
    """A Model as read from the API; by default its weights lie on a claim."""
    if not {"source", "external"} & spec.keys():
        spec["source"] = VOLUME
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "generation": 1}
    return Model.model_validate({"metadata": metadata, "spec": spec, **({"status": status} if status else {})})


def seen(model: Model | None = None, **around: Any) -> ModelSnapshot:
    """What is seen of a Model whose claim exists."""
    model = model or a_model()
    return replace(ModelSnapshot(model, claims=frozenset(("weights",))), **around)


def after(before: ModelSnapshot, plan: Plan) -> ModelSnapshot:
    """The world once the plan is carried out."""
    owned = dict(before.owned)
    for item in plan.apply:
        owned[key_of(item)] = live(item, owned.get(key_of(item)))
    for deletion in plan.delete:
        del owned[deletion.key]
    return replace(before, owned=owned)


def live(item: Object, before: Object | None = None) -> Object:
    """What an API server keeps of a manifest: with a uid, a generation, and no empty lists."""
    made = copy.deepcopy(item)
    metadata = made["metadata"]
    known = (before or {}).get("metadata") or {}
    metadata["uid"] = known.get("uid", f"uid-{item['kind']}-{metadata['name']}")
    changed = before is None or before["spec"] != _without_empty(made["spec"])
    metadata["generation"] = known.get("generation", 0) + int(changed)
    return {**made, "spec": _without_empty(made["spec"]), "status": (before or {}).get("status", {})}


def settled(item: Object) -> Object:
    """A Deployment whose pods are all new and there."""
    replicas = item["spec"].get("replicas", 0)
    status = {"observedGeneration": item["metadata"]["generation"], "replicas": replicas, "updatedReplicas": replicas,
              "availableReplicas": replicas}  # fmt: skip
    return {**item, "status": status}


def deployment_key(model: Model) -> Key:
    return Key("Deployment", model.metadata.namespace, child(model.metadata.name))


def claim_key(model: Model) -> Key:
    return Key("PersistentVolumeClaim", model.metadata.namespace, weights_claim(model.metadata.name))


def a_pod(name: str = "pod", **fields: Any) -> PodView:
    """A pod of the engine that serves, but for ``fields``."""
    usual = PodView(
        name=name,
        uid=f"uid-{name}",
        revision="new",
        component="engine",
        owner="rs",
        phase="Running",
        ready=True,
        deleting=False,
        node="node-1",
        begun=True,
        created=NOW - 60,
        unscheduled_since=None,
        unscheduled="",
        containers=(a_container(),),
    )
    return replace(usual, **fields)


def a_container(**fields: Any) -> ContainerView:
    """A container that runs, but for ``fields``."""
    return replace(ContainerView(name="engine", image="llama:1", running=True, restarts=0), **fields)


def ended(exit_code: int, message: str = "", reason: str = "Error") -> Ended:
    return Ended(reason, message, exit_code)


def _without_empty(value: Any) -> Any:
    """As Kubernetes writes an object: what is empty is left out, but 0 and false where they say something."""
    if isinstance(value, dict):
        parts = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in ([], "") and part is not None}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value

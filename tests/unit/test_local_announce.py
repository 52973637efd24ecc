"""What is said of all manifests together: who is answered, who is not and why, what an edit changed."""

from __future__ import annotations

from auriga_api.base import Condition
from auriga_api.manifests import Manifests, parse
from auriga_api.model import ModelStatus, Phase
from auriga_cli.local.announce import Standing, changes, failing

MODEL = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec: {{external: {{provider: ollama, model: {model}}}}}
---
"""
CHAIN = """
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: coding}
spec: {members: [{model: a}, {model: b}]}
---
"""
SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {token: %s}}\n---\n"


def manifests(*names: str, chain: bool = False, model: str = "x", token: str = "") -> Manifests:
    text = "".join(MODEL.format(name=name, model=model) for name in names)
    read = parse({"f.yaml": text + (CHAIN if chain else "") + (SECRET % token if token else "")})
    assert not read.problems
    return read


def status(phase: Phase, reason: str) -> ModelStatus:
    ready = "True" if phase in ("Ready", "Degraded") else "False"
    condition = {"type": "Ready", "status": ready, "reason": reason, "message": "m", "lastTransitionTime": "t"}
    return ModelStatus(phase=phase, conditions=[Condition.model_validate(condition)])


READY, BAD = status("Ready", "Serving"), status("Failed", "NotGguf")


def test_only_who_answers_is_named_and_the_others_with_the_reason() -> None:
    known = manifests("c", "b", "a", chain=True)
    statuses = {"default/a": BAD, "default/b": READY, "default/c": status("Degraded", "EngineCrashed")}
    standing = Standing(known, statuses)
    assert standing.callable_names() == ["coding", "b", "c"]
    assert standing.not_served() == "a (NotGguf)"


def test_a_role_without_a_member_that_answers_is_not_named() -> None:
    known = manifests("a", "b", chain=True)
    statuses = {"default/a": BAD}
    assert Standing(known, statuses).callable_names() == []
    assert Standing(known, statuses).not_served() == "coding (no member), a (NotGguf), b (Pending)"


def test_a_provider_that_did_not_answer_when_it_was_asked_is_not_named() -> None:
    known = manifests("a", "b", chain=True)
    statuses = {"default/a": READY, "default/b": status("Degraded", "EngineCrashed")}
    routed = [
        {"namespace": "default", "name": "a", "phase": "Degraded", "reason": "Connect"},
        {"namespace": "default", "name": "b", "phase": "Degraded", "reason": "EngineCrashed"},
    ]
    standing = Standing(known, statuses, failing(statuses, routed))
    assert standing.callable_names() == ["coding", "b"]
    assert standing.not_served() == "a (Connect)"


def test_an_edit_is_told_by_what_it_changed() -> None:
    before = manifests("a", "b", token="one")
    assert changes(before, manifests("a", "b", token="one")) == ""
    after = manifests("b", "c", chain=True, model="other", token="two")
    assert changes(before, after) == (
        "Model a removed, Model b changed, Model c added, RoleChain coding added, Secret key changed"
    )
    assert "two" not in changes(before, after)

"""Models that are broken each in its own way say how, keep nobody from being served, and recover once mended."""

import json

from e2e import load
from e2e.kubectl import Kubectl, Object

# Name -> the reason, and what its message has to name.
BROKEN = {
    "no-image": ("ImagePullBackOff", "localhost/nowhere:1"),
    "crashing": ("EngineCrashed", "--no-such-option"),
    "starved": ("OOMKilled", "at its limit of 64Mi"),
    "no-secret": ("SecretNotFound", "nowhere"),
    "no-claim": ("ClaimNotFound", "nowhere"),
}
MENDED = {
    "no-image": {"engine": {"image": None}},
    "crashing": {"engine": {"args": None}},
    "starved": {"resources": {"limits": {"memory": "4Gi"}}},
}


def test_broken_models_say_why_and_keep_nobody_from_being_served(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "model/good", "rolechain/assistant")
    answers = load.start(kubectl, "assistant", workers=1, requests=2).finished()
    assert load.lost(answers) == []
    assert {answer["model"] for answer in answers} == {"good"}

    for name, (reason, named) in BROKEN.items():
        load.until(f"{reason} of {name}", lambda name=name, reason=reason: _ready(kubectl, name)["reason"] == reason)
        ready = _ready(kubectl, name)
        assert ready["status"] == "False"
        assert named in ready["message"]
        told = f"--field-selector=involvedObject.kind=Model,involvedObject.name={name},reason={reason}"
        assert any(named in event["message"] for event in kubectl.get("events", told)["items"])

    for name, spec in MENDED.items():
        kubectl.run("patch", f"model/{name}", "--type=merge", f"--patch={json.dumps({'spec': spec})}")
    kubectl.wait("condition=Ready", *(f"model/{name}" for name in MENDED))
    kubectl.wait("jsonpath={.status.activeMember}=no-image", "rolechain/assistant", seconds=30)


def _ready(kubectl: Kubectl, name: str) -> Object:
    conditions = kubectl.get(f"model/{name}")["status"]["conditions"]
    found: Object = next(condition for condition in conditions if condition["type"] == "Ready")
    return found

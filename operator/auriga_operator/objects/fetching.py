"""The claim that keeps a Model's weights, and the Job that fetches them into it. Pure.

A Job and no init container, so that no GPU is held while gigabytes come in, and so that what serves goes on serving
while other weights are fetched.
"""

from __future__ import annotations

import json
from typing import Any

from auriga_api import Model
from auriga_operator import labels
from auriga_operator.images import NODE_LABELS, devices
from auriga_operator.merge import merged
from auriga_operator.objects import engine, security, weights
from auriga_operator.objects.base import manifest
from auriga_operator.objects.names import weights_claim, weights_job
from auriga_operator.objects.weights import MOUNT, identity, mount, source_of
from auriga_operator.resources import CLAIMS, JOBS, Object
from auriga_operator.settings import Settings

NAME = "fetch"
"""The container's name."""

_PLACEMENT = (
    "nodeSelector", "affinity", "tolerations", "imagePullSecrets", "serviceAccountName", "priorityClassName",
    "schedulerName", "runtimeClassName", "securityContext", "hostAliases", "dnsConfig", "dnsPolicy",
)  # fmt: skip
"""What the fetching pod takes over from ``podTemplate``: it must land where the volume is of use."""


def claim(model: Model, settings: Settings) -> Object:
    """The claim. Made once: most of a claim cannot be changed."""
    spec: dict[str, Any] = {
        "accessModes": [settings.weights_access_mode],
        "resources": {"requests": {"storage": settings.weights_size}},
    }
    if settings.weights_storage_class:
        spec["storageClassName"] = settings.weights_storage_class
    return manifest(model, CLAIMS, weights_claim(model.metadata.name), "weights", spec=spec)


def job(model: Model, secret_version: str, settings: Settings) -> Object:
    """The Job. ``secret_version``: of the Secret with the token, so that another token is another try."""
    id_ = identity(model)
    marks = {labels.WEIGHTS: id_} | ({labels.SECRET_VERSION: secret_version} if secret_version else {})
    return manifest(
        model,
        JOBS,
        weights_job(model.metadata.name, id_),
        "weights",
        marks,
        spec={
            # It is tried until it works or the Model changes: what is wrong may be mended elsewhere.
            "backoffLimit": 2_000_000_000,
            "template": {
                "metadata": {"labels": labels.of_model(model.metadata.name, "weights"), "annotations": marks},
                "spec": _pod(model, settings),
            },
        },
    )


def _pod(model: Model, settings: Settings) -> dict[str, Any]:
    fetch = {
        "name": NAME,
        "image": settings.image,
        "command": ["python", "-m", "auriga_operator.fetching"],
        "env": _environment(model, settings),
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": security.container(),
        "volumeMounts": [mount(writable=True), {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - its own
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    pod: dict[str, Any] = {
        "restartPolicy": "OnFailure",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # The volume is new and belongs to root; what others may have put there is not touched.
        "securityContext": {**security.pod(), "fsGroup": security.USER, "fsGroupChangePolicy": "OnRootMismatch"},
        "containers": [fetch],
        "volumes": [
            {"name": "weights", "persistentVolumeClaim": {"claimName": weights_claim(model.metadata.name)}},
            {"name": "tmp", "emptyDir": {}},
        ],
        **_near_devices(model),
    }
    template = model.spec.pod_template.spec if model.spec.pod_template else {}
    return merged(pod, {name: template[name] for name in _PLACEMENT if name in template})


def request(model: Model) -> dict[str, Any]:
    """What the fetcher is asked for."""
    spec = model.spec
    return {
        "source": source_of(model).model_dump(by_alias=True, exclude_none=True),
        "cache": MOUNT,
        "parallel": spec.engine.parallel,
        "contextLength": spec.engine.context_length or engine.DEFAULT_CONTEXT,
        **({"gpuMemory": room.each, "gpus": room.gpus} if (room := weights.room(model)) else {}),
    }


def _environment(model: Model, settings: Settings) -> list[dict[str, Any]]:
    plain = {"AURIGA_WEIGHTS_REQUEST": json.dumps(request(model), sort_keys=True), "HOME": "/tmp"}  # noqa: S108
    variables: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in {**settings.passed_on, **plain}.items()
    ]
    source = model.spec.source
    token = source.hugging_face.token_secret_ref if source and source.hugging_face else None
    if token:
        reference = {"name": token.name, "key": token.key}
        variables.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return variables


def _near_devices(model: Model) -> dict[str, Any]:
    """Rather on a node with the devices, where the volume is bound for good, though it needs none of them itself."""
    found = devices({**model.spec.resources.requests, **model.spec.resources.limits})
    if not found:
        return {}
    marks = [mark for name in found for mark in NODE_LABELS.get(name.partition("/")[0], ())]
    terms = [
        {"weight": 100, "preference": {"matchExpressions": [{"key": mark, "operator": "Exists"}]}} for mark in marks
    ]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}} if terms else {}
    return {
        # Nodes with devices often keep others away by a taint of the device's name.
        "tolerations": [{"key": name, "operator": "Exists", "effect": "NoSchedule"} for name in found],
        **({"affinity": affinity} if affinity else {}),
    }

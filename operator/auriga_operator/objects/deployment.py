"""The Deployment that serves a Model. Pure."""

from __future__ import annotations

from typing import Any

from auriga_api import Model
from auriga_operator import labels
from auriga_operator.merge import merged
from auriga_operator.objects import engine, security
from auriga_operator.objects.base import manifest
from auriga_operator.objects.names import child, digest
from auriga_operator.objects.weights import fetched, mounted
from auriga_operator.resources import DEPLOYMENTS, Object
from auriga_operator.settings import Settings


def deployment(
    model: Model,
    fetched_path: str,
    trained_context: int,
    *,
    replicas: int,
    yielding: int,
    image_volumes: bool,
    settings: Settings,
) -> Object:
    """The Deployment. ``yielding``: how many old pods may go before new ones serve; 0: a new one comes first."""
    template = _template(model, fetched_path, trained_context, image_volumes=image_volumes, settings=settings)
    return manifest(
        model,
        DEPLOYMENTS,
        child(model.metadata.name),
        "engine",
        spec={
            "replicas": replicas,
            # The default, written so that a pause by somebody else is put right: changes would never arrive.
            "paused": False,
            "revisionHistoryLimit": 2,
            # Longer than a start may take, so that a slow one is no failed rollout.
            "progressDeadlineSeconds": 7200,
            "selector": {"matchLabels": labels.selector(model.metadata.name)},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0 if yielding else 1, "maxUnavailable": yielding},
            },
            "template": template,
        },
    )


def most_replicas(model: Model) -> int:
    """How many there may ever be."""
    return model.spec.autoscaling.max_replicas if model.spec.autoscaling else model.spec.replicas


def _template(
    model: Model, fetched_path: str, trained_context: int, *, image_volumes: bool, settings: Settings
) -> dict[str, Any]:
    weights = mounted(model, fetched_path, image_volumes=image_volumes)
    base = {
        "metadata": {"labels": labels.of_model(model.metadata.name, "engine")},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": security.pod(),
            "terminationGracePeriodSeconds": settings.drain + engine.STOP_SECONDS,
            "initContainers": weights.init_containers,
            "containers": [engine.container(model, weights, trained_context, settings)],
            "volumes": [*weights.volumes, {"name": "tmp", "emptyDir": {}}],
            **_near_its_weights(model, settings),
        },
    }
    if model.spec.pod_template:
        base = merged(base, model.spec.pod_template.model_dump(by_alias=True, exclude_defaults=True))
    base["metadata"]["labels"] |= labels.of_model(model.metadata.name, "engine")
    marks = {labels.WEIGHTS: weights.id} | ({labels.WEIGHTS_PATH: fetched_path} if fetched_path else {})
    base["metadata"]["annotations"] = {
        **base["metadata"].get("annotations", {}), **marks, labels.REVISION: digest([base, marks])
    }  # fmt: skip
    return base


def _near_its_weights(model: Model, settings: Settings) -> dict[str, Any]:
    """A volume for one node at a time: pods had better be where it is already."""
    if not fetched(model) or settings.weights_access_mode != "ReadWriteOnce":
        return {}
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": labels.selector(model.metadata.name)},
    }
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}}

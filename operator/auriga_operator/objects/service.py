"""The Service of a Model, and its PodDisruptionBudget. Pure."""

from __future__ import annotations

from auriga_api import Model
from auriga_operator import labels
from auriga_operator.objects.base import manifest
from auriga_operator.objects.names import child
from auriga_operator.resources import BUDGETS, SERVICES, Object

PORT = 8080
"""Where llama-server listens, and its Service."""


def service(model: Model) -> Object:
    """Headless: the router goes to the pods themselves, and its name leads others there without a virtual address."""
    return manifest(
        model,
        SERVICES,
        child(model.metadata.name),
        "engine",
        spec={
            "clusterIP": "None",
            "selector": labels.selector(model.metadata.name),
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP", "appProtocol": "http"}],
        },
    )


def endpoint(model: Model) -> str:
    """The Model's address inside the cluster."""
    return f"http://{child(model.metadata.name)}.{model.metadata.namespace}.svc:{PORT}"


def budget(model: Model) -> Object:
    """One pod at a time may be taken away. Of use for more than one replica: of one it would allow all or nothing."""
    return manifest(
        model,
        BUDGETS,
        child(model.metadata.name),
        "engine",
        spec={
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels.selector(model.metadata.name)},
            # A pod that never becomes ready must not keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    )

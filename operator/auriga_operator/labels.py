"""Labels and annotations that the operator writes and reads. Pure."""

from __future__ import annotations

from auriga_api import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "auriga"
MODEL = f"{GROUP}/model"
"""The name of the Model that something belongs to. On Services, and so on their EndpointSlices, too."""
COMPONENT = "app.kubernetes.io/component"

APPLIED = f"{GROUP}/applied"
"""On owned objects: the hash of what was applied, so that a changed wish is told from an edit by somebody else."""
REVISION = f"{GROUP}/revision"
"""On pods: the hash of the template they were made from."""
WEIGHTS = f"{GROUP}/weights"
"""On pods and fetching Jobs: the id of the weights that they load or fetch."""
WEIGHTS_PATH = f"{GROUP}/weights-path"
"""On pods: where those weights lie in the cache."""
SECRET_VERSION = f"{GROUP}/secret-version"
"""On fetching Jobs: the version of the Secret with the token when the Job was made."""

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""On pods, Kubernetes' own: of several that may go, those with the lowest number go first."""

OURS = f"{MANAGED_BY}={MANAGER}"
"""Selects what the operator made."""


def of_model(name: str, component: str) -> dict[str, str]:
    """The labels of an object that belongs to the Model ``name``."""
    return {
        "app.kubernetes.io/name": "auriga-model",
        "app.kubernetes.io/instance": name,
        COMPONENT: component,
        MANAGED_BY: MANAGER,
        MODEL: name,
    }


def selector(name: str) -> dict[str, str]:
    """What selects the pods that serve the Model ``name``. Never changes: a Deployment's selector is immutable."""
    return {MODEL: name, COMPONENT: "engine"}

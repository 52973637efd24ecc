"""The kinds of objects that the operator reads and writes, and their addresses in the Kubernetes API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from auriga_api import GROUP, VERSION

Object = dict[str, Any]
"""An object as the API writes it: JSON of the shape that its kind has."""


class Key(NamedTuple):
    """One object of a kind, and what the work queue holds."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind and where it is served."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path below the API server's address; without a namespace that of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        parts = [part for part in (name, subresource) if part]
        return "/".join([f"{root}{scope}/{self.plural}", *parts])


MODELS = Resource(GROUP, VERSION, "models", "Model")
CHAINS = Resource(GROUP, VERSION, "rolechains", "RoleChain")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
SERVICES = Resource("", "v1", "services", "Service")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
JOBS = Resource("batch", "v1", "jobs", "Job")
PODS = Resource("", "v1", "pods", "Pod")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
SECRETS = Resource("", "v1", "secrets", "Secret")
EVENTS = Resource("", "v1", "events", "Event")
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")

BY_KIND: Mapping[str, Resource] = {
    resource.kind: resource
    for resource in (
        MODELS, CHAINS, DEPLOYMENTS, SERVICES, BUDGETS, JOBS, PODS, CLAIMS, SECRETS, EVENTS, SLICES, LEASES,
    )
}  # fmt: skip

OWNED = (DEPLOYMENTS, SERVICES, BUDGETS, JOBS, CLAIMS)
"""What a Model may own. Pods are owned by those in turn."""


def key_of(item: Object) -> Key:
    """The key of an object that carries its kind."""
    metadata = item["metadata"]
    return Key(item["kind"], metadata.get("namespace", ""), metadata["name"])

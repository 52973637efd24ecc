"""What every owned object has: name, labels, the Model as its owner, and the hash of what was applied. Pure."""

from __future__ import annotations

from typing import Any

from auriga_api import Model
from auriga_operator import labels
from auriga_operator.objects.names import digest
from auriga_operator.resources import Object, Resource


def manifest(
    model: Model,
    resource: Resource,
    name: str,
    component: str,
    annotations: dict[str, str] | None = None,
    **body: object,
) -> Object:
    """A manifest that belongs to ``model``, ready to be applied; it goes when the Model goes."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": model.metadata.namespace,
        "labels": labels.of_model(model.metadata.name, component),
        "ownerReferences": [
            {
                "apiVersion": model.api_version,
                "kind": model.kind,
                "name": model.metadata.name,
                "uid": model.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    whole = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **body}
    metadata["annotations"] = {**(annotations or {}), labels.APPLIED: digest(whole)}
    return whole


def owned_by(item: Object, uid: str) -> bool:
    """Whether the object belongs to the Model of that uid."""
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid and owner.get("controller") for owner in owners)


def left_behind(item: Object, model: Model) -> bool:
    """Whether the object belonged to another Model that had the same name."""
    owners = item["metadata"].get("ownerReferences") or []
    same_name = [owner for owner in owners if (owner["kind"], owner["name"]) == (model.kind, model.metadata.name)]
    return any(owner["uid"] != model.metadata.uid for owner in same_name) and not owned_by(item, model.metadata.uid)

"""Objects as an API server sends them, for tests of what reads them."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]


def metadata(name: str, version: int | str = 1, namespace: str = "default", **more: Any) -> Object:
    return {"name": name, "namespace": namespace, "resourceVersion": str(version), **more}


def model(name: str, version: int | str = 1, namespace: str = "default", **spec: Any) -> Object:
    """A Model; served here if the spec says nothing of where from."""
    if "external" not in spec:
        spec.setdefault("source", {"file": {"path": "weights.gguf"}})
    return {"metadata": metadata(name, version, namespace, managedFields=[{"manager": "kubectl"}]), "spec": spec}


def provider(name: str, secret: str, version: int | str = 1, namespace: str = "default") -> Object:
    """A Model of a provider whose key is in a Secret, under the key `token`."""
    external = {"provider": "openai", "credentialsSecretRef": {"name": secret, "key": "token"}}
    return model(name, version, namespace, external=external)


def chain(name: str, *members: str, version: int | str = 1, namespace: str = "default", **spec: Any) -> Object:
    spec = {"members": [{"model": member} for member in members], **spec}
    return {"metadata": metadata(name, version, namespace), "spec": spec}


def endpoint_slice(
    name: str,
    model: str,
    *addresses: str | Mapping[str, Any],
    version: int | str = 1,
    namespace: str = "default",
    kind: str = "IPv4",
    ports: Any = ({"name": "http", "port": 8080},),
) -> Object:
    """A slice of the endpoints of a Model; an address alone is a ready one."""
    endpoints = [{"addresses": [each]} if isinstance(each, str) else each for each in addresses]
    labels = {
        "auriga.dev/model": model,
        "app.kubernetes.io/managed-by": "auriga",
        "kubernetes.io/service-name": f"model-{model}",
    }
    return {
        "metadata": metadata(name, version, namespace, labels=labels),
        "addressType": kind,
        "ports": list(ports),
        "endpoints": endpoints,
    }

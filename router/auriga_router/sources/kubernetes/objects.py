"""The kinds of objects that the router reads in a cluster, and what it makes of each. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from auriga_api import GROUP, VERSION, Model, RoleChain
from auriga_api.manifests.messages import explain
from auriga_api.model import ModelSpec

Object = dict[str, Any]
"""An object as the API writes it."""
_Resource = TypeVar("_Resource", Model, RoleChain)

_OF_NO_USE = frozenset({"podTemplate", "resources", "gpuMemory", "tags"})
_DEFAULTS: Mapping[str, Any] = ModelSpec.model_construct().model_dump(by_alias=True, exclude_none=True)

MODEL_LABEL = f"{GROUP}/model"
"""On the Service of a Model and on its EndpointSlices: the Model's name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, and where lists of it are."""

    name: str
    api: str
    plural: str
    selector: str = ""

    def path(self, namespace: str = "", name: str = "") -> str:
        """Of all namespaces, of one, or of one object."""
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{self.api}{scope}/{self.plural}" + (f"/{name}" if name else "")


MODELS = Kind("Model", f"/apis/{GROUP}/{VERSION}", "models")
CHAINS = Kind("RoleChain", f"/apis/{GROUP}/{VERSION}", "rolechains")
SLICES = Kind(
    "EndpointSlice",
    "/apis/discovery.k8s.io/v1",
    "endpointslices",
    f"{MODEL_LABEL},app.kubernetes.io/managed-by=auriga",
)
SECRETS = Kind("Secret", "/api/v1", "secrets")


class Unreadable(Exception):  # noqa: N818 - says it all
    """An object that this version of the router cannot read; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the endpoints of one Model."""

    model: str
    """Key of the Model."""
    ready: frozenset[str]
    """``host:port`` of each pod that takes requests now."""
    ipv6: bool = False
    terminating: frozenset[str] = frozenset()
    """Pods that finish what they have begun."""


class Reference(NamedTuple):
    """One key of one Secret."""

    secret: str
    """Key of the Secret."""
    key: str


def key_of(item: Object) -> str:
    """``namespace/name``"""
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def read_model(item: Object) -> Model:
    """Only what routing needs: a router may know ten thousand. Raises Unreadable."""
    spec = {
        name: value
        for name, value in (item.get("spec") or {}).items()
        # The API server writes all defaults out; those that are left out here are one object for all Models.
        if name not in _OF_NO_USE and value != _DEFAULTS.get(name)
    }
    return _read(Model, {"metadata": _metadata(item), "spec": spec, "status": _status(item.get("status"))})


def read_chain(item: Object) -> RoleChain:
    """Without its status, which says what the operator sees and not what the router does. Raises Unreadable."""
    return _read(RoleChain, {"metadata": _metadata(item), "spec": item.get("spec")})


def read_slice(item: Object) -> Slice:
    """Ready are only those that are not about to go: a terminating pod gets no new request."""
    metadata = item["metadata"]
    ports = {port.get("name") or "": port.get("port") for port in item.get("ports") or []}
    port = ports.get("http") or next(iter(ports.values()), None)
    ipv6 = item.get("addressType") == "IPv6"
    endpoints = (item.get("endpoints") or []) if port else []
    form = f"[{{}}]:{port}" if ipv6 else f"{{}}:{port}"
    ready = frozenset(form.format(host) for each in endpoints if _takes_requests(each) for host in _hosts(each))
    going = frozenset(form.format(host) for each in endpoints if _is_terminating(each) for host in _hosts(each))
    return Slice(f"{metadata['namespace']}/{metadata['labels'][MODEL_LABEL]}", ready, ipv6, going)


def terminating(slices: Iterable[Slice]) -> tuple[str, ...]:
    """All of one Model."""
    return tuple(sorted({address for part in slices for address in part.terminating}))


def addresses(slices: Iterable[Slice]) -> tuple[str, ...]:
    """All of one Model. An endpoint may be in two slices for a moment; pods with two addresses are asked by IPv4."""
    parts = list(slices)
    four = {address for part in parts if not part.ipv6 for address in part.ready}
    return tuple(sorted(four or {address for part in parts for address in part.ready}))


def reference_of(model: Model) -> Reference | None:
    """What it names for its provider's key, if anything."""
    found = model.spec.external.credentials_secret_ref if model.spec.external else None
    return Reference(f"{model.metadata.namespace}/{found.name}", found.key) if found else None


def needed(references: Iterable[Reference]) -> dict[str, frozenset[str]]:
    """Key of each Secret that is named -> the keys of its data that are."""
    named: dict[str, frozenset[str]] = {}
    for secret, key in references:
        named[secret] = named.get(secret, frozenset()) | {key}
    return named


def read_secret(item: Object) -> Mapping[str, bytes]:
    """The decoded values."""
    return {name: base64.b64decode(text) for name, text in (item.get("data") or {}).items()}


def _status(status: Object | None) -> Object | None:
    """Of the conditions the router shows only one."""
    if not status or not isinstance(status.get("conditions"), list):
        return status
    return status | {"conditions": [each for each in status["conditions"] if each.get("type") == "Ready"]}


def _metadata(item: Object) -> Object:
    """No more than routing needs, so that what changes nothing compares equal."""
    return {"name": item["metadata"]["name"], "namespace": item["metadata"].get("namespace", "")}


def _takes_requests(endpoint: Object) -> bool:
    conditions = endpoint.get("conditions") or {}
    # Absent means ready: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
    return conditions.get("ready") is not False and not _is_terminating(endpoint)


def _is_terminating(endpoint: Object) -> bool:
    return bool((endpoint.get("conditions") or {}).get("terminating"))


def _hosts(endpoint: Object) -> list[str]:
    return endpoint.get("addresses") or []


def _read(kind: type[_Resource], item: Object) -> _Resource:
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        if any(detail["type"] != "extra_forbidden" for detail in error.errors()):
            raise Unreadable(_told(kind, error)) from None
        known = deepcopy(item)
        for detail in error.errors():
            _remove(known, detail["loc"])
    # In an upgrade the cluster's definitions come first: fields of a newer version do not take a Model out of service.
    try:
        return kind.model_validate(known)
    except ValidationError as error:
        raise Unreadable(_told(kind, error)) from None


def _told(kind: type[_Resource], error: ValidationError) -> str:
    return next(text for _, text in explain(kind, error))


def _remove(item: Object, path: tuple[int | str, ...]) -> None:
    part: Any = item
    for step in path[:-1]:
        part = part[step]
    del part[path[-1]]

"""YAML texts to Models, RoleChains and Secrets, and every problem with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from auriga_api.base import API_VERSION, METADATA_FIELDS
from auriga_api.manifests.documents import Document, Path, read
from auriga_api.manifests.messages import dotted, explain, near
from auriga_api.manifests.values import Manifests, Object, Origin, Problem
from auriga_api.model import Model
from auriga_api.rolechain import RoleChain
from auriga_api.secret import Secret

KINDS: Mapping[str, type[Object]] = MappingProxyType({"Model": Model, "RoleChain": RoleChain, "Secret": Secret})
_VERSIONS = {"Model": API_VERSION, "RoleChain": API_VERSION, "Secret": "v1"}
_LISTS = frozenset(("List", "ModelList", "RoleChainList", "SecretList"))


def parse(texts: Mapping[str, str], namespace: str = "default") -> Manifests:
    """All objects of some YAML texts (file name -> text). Bad input becomes problems; it never raises.

    An object without a namespace is put into ``namespace``. Of two objects with one name the first counts.
    """
    reading = _Reading(namespace)
    for file, text in texts.items():
        reading.file(file, text)
    return reading.result()


class _Reading:
    """What has been read so far."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.objects: dict[tuple[str, str], Object] = {}
        self.origins: dict[tuple[str, str], Origin] = {}
        self.problems: list[Problem] = []

    def file(self, file: str, text: str) -> None:
        documents, faults = read(text)
        self.problems.extend(Problem(file, fault.line, "", fault.message) for fault in faults)
        for document in documents:
            for part in _flat(document):
                self._object(file, part)

    def _object(self, file: str, document: Document) -> None:
        subject = _subject(document.value, self.namespace)
        item: Object | None = None
        wrong = list(_shape(document.value))
        if not wrong:
            item, wrong = _validated(document.value, self.namespace)
        problems = [Problem(file, document.line(path), subject, text) for path, text in wrong]
        if item is not None and not problems:
            problems = self._keep(Origin(file, document.line(), document), item, subject)
        self.problems.extend(sorted(problems, key=lambda problem: problem.line))

    def _keep(self, origin: Origin, item: Object, subject: str) -> list[Problem]:
        name = (item.kind, item.metadata.key)
        first = self.origins.get(name)
        if first:
            where = f"{first.file}:{first.line}"
            return [Problem(origin.file, origin.line, subject, f"defined twice, first in {where}: keep one of them")]
        self.objects[name], self.origins[name] = item, origin
        return []

    def result(self) -> Manifests:
        models = {item.metadata.key: item for item in self.objects.values() if isinstance(item, Model)}
        chains = {item.metadata.key: item for item in self.objects.values() if isinstance(item, RoleChain)}
        secrets = {item.metadata.key: item for item in self.objects.values() if isinstance(item, Secret)}
        frozen = (MappingProxyType(models), MappingProxyType(chains), MappingProxyType(secrets))
        return Manifests(*frozen, MappingProxyType(self.origins), tuple(self.problems))


def _flat(document: Document) -> Iterator[Document]:
    """The document itself, or the items of a List, as kubectl takes them."""
    value = document.value
    if isinstance(value, dict) and str(value.get("kind")) in _LISTS and isinstance(value.get("items"), list):
        for item in document.items():
            yield from _flat(item)
    else:
        yield document


def _shape(value: object) -> Iterator[tuple[Path, str]]:
    """What keeps a value from being an object of a known kind at all."""
    if not isinstance(value, dict):
        yield (), "not a Kubernetes object: write apiVersion, kind, metadata and spec"
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        yield ("kind",), f"kind: write one of {', '.join(KINDS)}"
    elif kind not in KINDS:
        yield ("kind",), f'unknown kind "{kind}"{near(kind, KINDS, otherwise=True)}'
    elif version != _VERSIONS[kind]:
        instead = f', not "{version}"' if isinstance(version, str) else ""
        yield ("apiVersion",), f"apiVersion: write {_VERSIONS[kind]}{instead}"


def _validated(value: dict[str, Any], namespace: str) -> tuple[Object | None, list[tuple[Path, str]]]:
    """The object as the API server would keep it, or why it would not."""
    kind = KINDS[value["kind"]]
    wrong = list(_unknown_metadata(value.get("metadata")))
    try:
        return kind.model_validate(_prepared(value, namespace), by_alias=True, by_name=False), wrong
    except ValidationError as error:
        return None, wrong + list(explain(kind, error))


def _unknown_metadata(metadata: object) -> Iterator[tuple[Path, str]]:
    if isinstance(metadata, dict):
        for key in metadata.keys() - METADATA_FIELDS:
            path = ("metadata", key)
            yield path, f"{dotted(path)}: unknown field{near(key, METADATA_FIELDS)}"


def _prepared(value: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The object as the API server gets it: in a namespace, and without status, which is not the user's to write."""
    prepared = {key: part for key, part in value.items() if key != "status"}
    metadata = prepared.get("metadata")
    if isinstance(metadata, dict) and not metadata.get("namespace"):
        prepared["metadata"] = metadata | {"namespace": namespace}
    return prepared


def _subject(value: object, namespace: str) -> str:
    if not isinstance(value, dict):
        return ""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name") or "(no name)"
    return f"{value.get('kind') or 'object'} {metadata.get('namespace') or namespace}/{name}"

"""YAML texts to Models, RoleChains and Secrets, and every problem with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from auriga_api.base import API_VERSION, METADATA_FIELDS
from auriga_api.manifests.documents import Document, Path, read
from auriga_api.manifests.messages import dotted, explain, near, nearest
from auriga_api.manifests.partial import broken_rules
from auriga_api.manifests.respelling import as_written, respelt
from auriga_api.manifests.values import Manifests, Object, Origin, Problem
from auriga_api.model import Model
from auriga_api.rolechain import RoleChain
from auriga_api.secret import Secret

KINDS: Mapping[str, type[Object]] = MappingProxyType({"Model": Model, "RoleChain": RoleChain, "Secret": Secret})
_VERSIONS = {"Model": API_VERSION, "RoleChain": API_VERSION, "Secret": "v1"}
_NO_NAME = "(no name)"
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
        self.drafts: list[tuple[Origin, Model | RoleChain]] = []
        self.first: dict[str, str] = {}
        """Kind and name of everything, broken or not -> where it is."""

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
        if wrong and (meant := _meant(document.value)):
            wrong += _validated(meant, self.namespace)[1]
        elif not wrong:
            item, wrong = _validated(document.value, self.namespace)
        if subject in self.first:
            wrong.append(((), f"defined twice, first in {self.first[subject]}: keep one of them"))
        elif subject and _NO_NAME not in subject:
            self.first[subject] = f"{file}:{document.line()}"
        if item is not None and not wrong:
            name = (item.kind, item.metadata.key)
            self.objects[name], self.origins[name] = item, Origin(file, document.line(), document)
        elif subject in self.first and self.first[subject] == f"{file}:{document.line()}":
            self._draft(file, document, [path for path, _ in wrong])
        problems = [Problem(file, document.line(path), subject, text) for path, text in wrong]
        self.problems.extend(sorted(problems, key=lambda problem: problem.line))

    def _draft(self, file: str, document: Document, wrong: list[Path]) -> None:
        """What is right of an object with errors, if that is an object at all."""
        left = deepcopy(_meant(document.value))
        if left is None or not all(_removed(left, path) for path in sorted(wrong, key=len, reverse=True)):
            return
        draft = _validated(left, self.namespace)[0]
        if isinstance(draft, Model | RoleChain):
            self.drafts.append((Origin(file, document.line(), document), draft))

    def result(self) -> Manifests:
        models = {item.metadata.key: item for item in self.objects.values() if isinstance(item, Model)}
        chains = {item.metadata.key: item for item in self.objects.values() if isinstance(item, RoleChain)}
        secrets = {item.metadata.key: item for item in self.objects.values() if isinstance(item, Secret)}
        frozen = (MappingProxyType(models), MappingProxyType(chains), MappingProxyType(secrets))
        return Manifests(*frozen, MappingProxyType(self.origins), tuple(self.problems), tuple(self.drafts))


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
    known = kind if isinstance(kind, str) and kind in KINDS else (_meant(value) or {}).get("kind", "")
    if known and version != _VERSIONS[known]:
        instead = f', not "{version}"' if isinstance(version, str) else ""
        yield ("apiVersion",), f"apiVersion: write {_VERSIONS[known]}{instead}"


def _meant(value: object) -> dict[str, Any] | None:
    """The object of a known kind that was meant, so that the rest of it is looked at, too. None: who knows."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return None
    kind = nearest(value["kind"], KINDS)
    wanted = _VERSIONS.get(kind, "")
    ours = str(value.get("apiVersion") or wanted).startswith(wanted.partition("/")[0])
    return value | {"kind": kind, "apiVersion": wanted} if kind and ours else None


def _validated(value: dict[str, Any], namespace: str) -> tuple[Object | None, list[tuple[Path, str]]]:
    """The object as the API server would keep it, or why it would not."""
    kind, prepared = KINDS[value["kind"]], _prepared(value, namespace)
    wrong = list(_unknown_metadata(value.get("metadata")))
    try:
        return kind.model_validate(prepared, by_alias=True, by_name=False), wrong
    except ValidationError as error:
        return None, [*wrong, *_all_that_is_wrong(kind, prepared, error)]


def _all_that_is_wrong(kind: type[Object], value: dict[str, Any], said: ValidationError) -> Iterable[tuple[Path, str]]:
    """Also what pydantic would say only when the rest is right: below misspelt fields, and of rules between fields."""
    meant, names = respelt(kind, value)
    first = ((path, text) for path, text in explain(kind, said) if path not in names)  # missing: it is misspelt
    further = (*_explained(kind, meant), *broken_rules(kind, meant))
    return dict.fromkeys((*first, *((as_written(path, names), text) for path, text in further)))


def _removed(value: object, path: Path) -> bool:
    """Take the field at ``path`` away. False: there is none, or the places of others would change by that."""
    *around, last = path or ("",)
    for part in around:
        places: Any = value if isinstance(value, dict) else dict(enumerate(value if isinstance(value, list) else ()))
        if part not in places:
            return True  # it went with what is around it
        value = places[part]
    return isinstance(value, dict) and (last in ("kind", "apiVersion") or value.pop(last, None) is not None)


def _explained(kind: type[Object], value: object) -> Iterator[tuple[Path, str]]:
    try:
        kind.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        yield from explain(kind, error)


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
    name = metadata.get("name") or _NO_NAME
    return f"{value.get('kind') or 'object'} {metadata.get('namespace') or namespace}/{name}"

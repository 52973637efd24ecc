"""What single objects cannot know: references to nothing, and roles taken twice. In a cluster these are conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from auriga_api.base import SecretKeyRef
from auriga_api.manifests.documents import Path
from auriga_api.manifests.messages import dotted, near
from auriga_api.manifests.values import Manifests, Origin, Problem
from auriga_api.model import Model
from auriga_api.rolechain import RoleChain

_Finding = tuple[Path, str]


def references(manifests: Manifests) -> tuple[Problem, ...]:
    """Warnings, not errors: what is missing may still come, and in a cluster it may be there already."""
    found: list[Problem] = []
    broken = frozenset(problem.subject for problem in manifests.errors)  # they are there, and told already
    for origin, item in manifests.read():
        subject = f"{item.kind} {item.metadata.key}"
        if isinstance(item, Model):
            found += _warnings(origin, subject, _missing_secrets(item, manifests, broken))
        else:
            found += _warnings(origin, subject, _missing_models(item, manifests, broken))
            found += _warnings(origin, subject, _taken_names(item, manifests))
            found += _warnings(origin, subject, _nobody_local(item, manifests))
    return tuple(found)


def _warnings(origin: Origin, subject: str, findings: Iterator[_Finding]) -> list[Problem]:
    return [
        Problem(origin.file, origin.at(*path), subject, f"{dotted(path)}: {text}", "warning") for path, text in findings
    ]


def _missing_models(chain: RoleChain, manifests: Manifests, broken: Set[str]) -> Iterator[_Finding]:
    namespace = chain.metadata.namespace
    here = [model.metadata.name for model in manifests.models.values() if model.metadata.namespace == namespace]
    for index, member in enumerate(chain.spec.members):
        if member.model not in here and f"Model {namespace}/{member.model}" not in broken:
            path = ("spec", "members", index, "model")
            yield path, f'there is no Model "{member.model}" in namespace {namespace}{near(member.model, here)}'


def _nobody_local(chain: RoleChain, manifests: Manifests) -> Iterator[_Finding]:
    members = [manifests.models.get(f"{chain.metadata.namespace}/{member.model}") for member in chain.spec.members]
    if chain.spec.privacy.local_only and all(model and model.spec.effective_locality == "Cloud" for model in members):
        yield ("spec", "privacy", "localOnly"), "all members are in the cloud, so that nobody may answer"


def _missing_secrets(model: Model, manifests: Manifests, broken: Set[str]) -> Iterator[_Finding]:
    namespace = model.metadata.namespace
    for path, reference in _secret_references(model):
        secret = manifests.secrets.get(f"{namespace}/{reference.name}")
        if f"Secret {namespace}/{reference.name}" in broken:
            continue
        if secret is None:
            names = [key.removeprefix(f"{namespace}/") for key in manifests.secrets if key.startswith(f"{namespace}/")]
            text = f'there is no Secret "{reference.name}" in namespace {namespace}{near(reference.name, names)}'
            yield (*path, "name"), text
        elif reference.key not in secret.values():
            text = f'Secret "{reference.name}" has no key "{reference.key}"'
            yield (*path, "key"), text + near(reference.key, secret.values(), otherwise=True)


def _secret_references(model: Model) -> Iterator[tuple[Path, SecretKeyRef]]:
    spec = model.spec
    if spec.external and spec.external.credentials_secret_ref:
        yield ("spec", "external", "credentialsSecretRef"), spec.external.credentials_secret_ref
    if spec.source and spec.source.hugging_face and spec.source.hugging_face.token_secret_ref:
        yield ("spec", "source", "huggingFace", "tokenSecretRef"), spec.source.hugging_face.token_secret_ref
    for index, variable in enumerate(spec.engine.env):
        if variable.value_from and variable.value_from.secret_key_ref:
            yield ("spec", "engine", "env", index, "valueFrom", "secretKeyRef"), variable.value_from.secret_key_ref


def _taken_names(chain: RoleChain, manifests: Manifests) -> Iterator[_Finding]:
    """Roles go before synonyms, and among equals the RoleChain whose name comes first wins."""
    others = {key: other for key, other in manifests.chains.items() if other.metadata.key != chain.metadata.key}
    others = {key: other for key, other in others.items() if other.metadata.namespace == chain.metadata.namespace}
    roles = {other.role: key for key, other in others.items()}
    if chain.role in roles:
        yield ("spec", "role"), f'the role "{chain.role}" is taken by RoleChain {roles[chain.role]} too: rename one'
    synonyms = _by_synonym(others)
    for index, synonym in enumerate(chain.spec.synonyms):
        path = ("spec", "synonyms", index)
        if synonym in roles:
            yield path, f'"{synonym}" is the role of RoleChain {roles[synonym]}, which answers to it: remove it here'
        elif synonym in synonyms:
            yield path, f'"{synonym}" is a synonym of RoleChain {synonyms[synonym]} too: keep it in one of them'


def _by_synonym(chains: Mapping[str, RoleChain]) -> dict[str, str]:
    return {synonym: key for key, chain in chains.items() for synonym in chain.spec.synonyms}

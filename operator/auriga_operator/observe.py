"""Observe: from the store, and a few reads where the store does not reach, to a frozen snapshot."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from auriga_api import Model, RoleChain
from auriga_operator import reports, views
from auriga_operator.diagnose import secret_names
from auriga_operator.errors import ApiError, Stalled, Unreachable
from auriga_operator.interest import topic
from auriga_operator.kube import Kube
from auriga_operator.objects.fetching import NAME as FETCHER
from auriga_operator.pace import Pace
from auriga_operator.resources import CLAIMS, EVENTS, MODELS, PODS, SECRETS, Key, Object, key_of
from auriga_operator.snapshot import NOTHING_SAID, ChainSnapshot, FetchReport, MemberView, ModelSnapshot, SecretView
from auriga_operator.store import Store
from auriga_operator.views import EventView, PodView

T = TypeVar("T", Model, RoleChain)

_HEAD = 16_384
"""Bytes at the beginning of the fetcher's log in which it has said what it fetches."""
_TAIL = 10
"""Lines at its end: as many tries in a row may fail, and one before them tells how far it is."""
_LOG_SECONDS = 3.0
_TELLING = frozenset(("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "FailedCreate"))
"""Reasons of Events that say what no status says. Of probes that fail while an engine loads, statuses know more."""


class Observer:
    """Makes snapshots."""

    def __init__(self, kube: Kube, store: Store, *, image_volumes: bool) -> None:
        self._kube = kube
        self._store = store
        self._image_volumes = image_volumes
        self._secrets: dict[Key, SecretView] = {}
        self._artifacts: dict[str, FetchReport] = {}
        self._traits: dict[Key, tuple[int, str, frozenset[str]]] = {}
        self._pace = Pace()

    async def model(self, key: Key, now: float) -> ModelSnapshot | None:
        """The Model and all around it; None when it is gone. Stalled when its spec cannot be read."""
        text = self._store.text(key)
        if not text:
            return None
        model = _model(text)
        seen = self.again(ModelSnapshot(model, image_volumes=self._image_volumes))
        secrets, report = await asyncio.gather(self._secrets_of(model), self._report(seen, now))
        return replace(seen, secrets=secrets, report=report, claims=self._claims(model))

    def again(self, seen: ModelSnapshot) -> ModelSnapshot:
        """The same with what the store knows now of what the Model owns."""
        key = Key(MODELS.kind, seen.model.metadata.namespace, seen.model.metadata.name)
        found: dict[str, list[Object]] = defaultdict(list)
        for item in self._store.children(key):
            found[item["kind"]].append(item)
        pods = tuple(views.pod(item) for item in found.pop(PODS.kind, ()))
        warnings = _warnings(found.pop(EVENTS.kind, ()))
        owned = {key_of(item): item for items in found.values() for item in items}
        return replace(seen, owned=owned, pods=pods, warnings=warnings)

    def chain(self, key: Key) -> ChainSnapshot | None:
        """The RoleChain, its members and its rivals; None when it is gone."""
        item = self._store.get(key)
        if item is None:
            return None
        chain = read(item, RoleChain)
        names = {member.model for member in chain.spec.members}
        models = {name: self._store.get(Key(MODELS.kind, key.namespace, name)) for name in names}
        members = {name: self._member(model) for name, model in models.items() if model is not None}
        topics = [topic("name", key.namespace, name) for name in (chain.role, *chain.spec.synonyms)]
        rivals = sorted({other for each in topics for other in self._store.interested(each)} - {key})
        return ChainSnapshot(chain, members, tuple(self._readable(rivals)))

    def _readable(self, chains: Iterable[Key]) -> Iterator[RoleChain]:
        """Those RoleChains, but for one that cannot be read: that is its own trouble."""
        for item in filter(None, map(self._store.get, chains)):
            with suppress(Stalled):
                yield read(item, RoleChain)

    def _member(self, item: Object) -> MemberView:
        spec, status = item.get("spec") or {}, item.get("status") or {}
        conditions = {each["type"]: each for each in status.get("conditions") or []}
        ready: Mapping[str, Any] = conditions.get("Ready") or {}
        locality, capabilities = self._traits_of(item)
        return MemberView(
            ready=ready.get("status") == "True",
            endpoints=1 if spec.get("external") else status.get("readyReplicas", 0),
            reason=ready.get("reason", "Pending"),
            locality=locality,
            capabilities=capabilities,
        )

    def _traits_of(self, item: Object) -> tuple[str, frozenset[str]]:
        """Locality and capabilities; reading a whole spec for each change of each member would cost too much."""
        key, generation = key_of(item), item["metadata"].get("generation", 0)
        known = self._traits.get(key)
        if known is None or known[0] != generation:
            try:
                spec = read(item, Model).spec
                known = (generation, spec.effective_locality, frozenset(spec.effective_capabilities))
            except Stalled:
                known = (generation, "", frozenset())
            self._traits[key] = known
        return known[1], known[2]

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._traits.pop(key, None)

    def _claims(self, model: Model) -> frozenset[str]:
        source = model.spec.source
        if not source or not source.volume:
            return frozenset()
        name = source.volume.claim_name
        return (
            frozenset((name,)) if self._store.version(Key(CLAIMS.kind, model.metadata.namespace, name)) else frozenset()
        )

    async def _secrets_of(self, model: Model) -> Mapping[str, SecretView]:
        found = {
            name: await self._secret(Key(SECRETS.kind, model.metadata.namespace, name)) for name in secret_names(model)
        }
        return {name: secret for name, secret in found.items() if secret}

    async def _secret(self, key: Key) -> SecretView | None:
        version = str(self._store.version(key))
        if version == "0":
            self._secrets.pop(key, None)
            return None
        known = self._secrets.get(key)
        if known is None or known.version != version:
            item = await self._kube.get(key)
            if item is None:
                return None
            known = self._secrets[key] = SecretView(version, frozenset(item.get("data") or {}))
        return known

    async def _report(self, seen: ModelSnapshot, now: float) -> FetchReport:
        """The newest pod's word counts; while it runs, its log tells how far it is."""
        if not seen.fetchers:
            return NOTHING_SAID
        pod = seen.fetchers[-1]
        said = reports.of_pod(pod)
        container = reports.fetcher(pod)
        if container is None or not container.running:
            return said
        running = await self._running(pod, seen)
        if not running.total_bytes:
            return said if said.reason else running
        return replace(running, seconds_left=self._pace.seconds_left(pod.uid, running.bytes, running.total_bytes, now))

    async def _running(self, pod: PodView, seen: ModelSnapshot) -> FetchReport:
        namespace = seen.model.metadata.namespace
        known = self._artifacts.get(pod.uid)
        if known is None:
            known = reports.of_lines(await self._log(namespace, pod, limitBytes=_HEAD))
            if known.artifact:
                self._artifacts = {pod.uid: FetchReport(artifact=known.artifact), **self._artifacts}
        latest = reports.of_lines(await self._log(namespace, pod, tailLines=_TAIL))
        return replace(latest, artifact=latest.artifact or known.artifact)

    async def _log(self, namespace: str, pod: PodView, **limits: int) -> str:
        """Best effort: a node that cannot be reached must not hold up what is known without it."""
        try:
            async with asyncio.timeout(_LOG_SECONDS):
                return await self._kube.log(namespace, pod.name, FETCHER, **limits)
        except (ApiError, Unreachable, TimeoutError):
            return ""


def _warnings(events: Iterable[Object]) -> Mapping[str, EventView]:
    """Uid -> what the newest Warning says about why it does not start."""
    telling = (event for event in events if event.get("reason") in _TELLING)
    newest = sorted(telling, key=lambda event: int(event["metadata"]["resourceVersion"]))
    return {
        event["involvedObject"].get("uid", ""): EventView(event["reason"], event.get("message") or "")
        for event in newest
    }


@lru_cache(maxsize=256)
def _model(text: bytes) -> Model:
    """Cached, because what a Model owns changes more often than the Model."""
    return read(orjson.loads(text), Model)


def read(item: Object, kind: type[T]) -> T:
    """The object as its type. Stalled when its spec cannot be read; a status of another version of ours is left out."""
    try:
        return kind.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    if first["loc"][:1] == ("status",):
        return read({name: value for name, value in item.items() if name != "status"}, kind)
    raise Stalled("InvalidSpec", f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")

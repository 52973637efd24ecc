"""What lists and watches have told so far, folded into one snapshot. Pure: no clock, no sockets.

Lists say what there is and watches what changes, and neither is trusted alone: a full list ends with ``Only``, and what
it did not name is gone, whether or not a watch has told of that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from auriga_api import Model, RoleChain
from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes import objects
from auriga_router.sources.kubernetes.objects import CHAINS, MODELS, SLICES, Kind, Object, Reference, Slice, Unreadable

_READERS: Mapping[Kind, Callable[[Object], Any]] = {
    MODELS: objects.read_model,
    CHAINS: objects.read_chain,
    SLICES: objects.read_slice,
}
_NOTHING = Snapshot()


class Put(NamedTuple):
    """The object is like this now."""

    kind: Kind
    item: Object


class Gone(NamedTuple):
    """There is no such object any more."""

    kind: Kind
    key: str


class Only(NamedTuple):
    """The end of a full list: there are no others of the kind, in that namespace (empty: in all)."""

    kind: Kind
    namespace: str
    keys: frozenset[str]


class SecretRead(NamedTuple):
    """A Secret as it was read; None if there is none."""

    key: str
    values: Mapping[str, bytes] | None


Event = Put | Gone | Only | SecretRead


class Cache:
    """Everything known. Begins with a saved snapshot, perhaps, which counts until lists say otherwise."""

    def __init__(self, saved: Snapshot = _NOTHING) -> None:
        self.unreadable: dict[tuple[str, str], str] = {}
        """(kind, key) -> why the object cannot be read. What was known of it before goes on counting."""
        self._snapshot = _NOTHING
        self._tables: dict[Kind, dict[str, Any]] = {MODELS: {}, CHAINS: {}, SLICES: {}}
        self._versions: dict[Kind, dict[str, str]] = {kind: {} for kind in self._tables}
        """The resource version that each object had when it was last read."""
        self._slices_of: defaultdict[str, dict[str, Slice]] = defaultdict(dict)
        """Key of the Model -> its EndpointSlices by key."""
        self._endpoints: dict[str, tuple[str, ...]] = {}
        self._terminating: dict[str, tuple[str, ...]] = {}
        """The same for those that finish what they have begun; only of Models that have such."""
        self._references: dict[str, Reference] = {}
        self._secrets = dict(saved.secrets)
        self._changed: set[Kind | None] = {None}
        """What the snapshot does not show yet. None stands for Secrets."""
        for kind, values in ((MODELS, saved.models), (CHAINS, saved.chains)):
            for key, value in values.items():
                self._set(kind, key, value)
        for key, ready in saved.endpoints.items():
            # No object can have a name with a space: the first list ends its life.
            self._set(SLICES, f"{key} saved", Slice(key, frozenset(ready)))

    @property
    def needed(self) -> dict[str, frozenset[str]]:
        """Key of each Secret that a Model names -> the keys of its data that are asked for."""
        return objects.needed(self._references.values())

    def secret_of(self, model: str) -> str | None:
        """The key of the Secret that a Model names, if any."""
        reference = self._references.get(model)
        return reference.secret if reference else None

    def fold(self, events: Iterable[Event]) -> None:
        """These came, in this order."""
        for event in events:
            match event:
                case Put(kind, item):
                    self._put(kind, item)
                case Gone(kind, key):
                    self._drop(kind, key)
                case Only(kind, namespace, keys):
                    self._keep(kind, namespace, keys)
                case SecretRead(key, values):
                    self._read_secret(key, values)

    def snapshot(self) -> Snapshot:
        """Everything known now. The same object as before if nothing has changed that matters to routing."""
        if self._changed:
            before = self._snapshot
            self._snapshot = Snapshot(
                models=self._frozen(MODELS, before.models),
                chains=self._frozen(CHAINS, before.chains),
                secrets=self._named_secrets() if None in self._changed else before.secrets,
                endpoints=MappingProxyType(self._endpoints.copy()) if SLICES in self._changed else before.endpoints,
                terminating=MappingProxyType(self._terminating.copy())
                if SLICES in self._changed
                else before.terminating,
            )
            self._changed.clear()
        return self._snapshot

    def _put(self, kind: Kind, item: Object) -> None:
        key, version = objects.key_of(item), item["metadata"].get("resourceVersion", "")
        if version and self._versions[kind].get(key) == version:
            return  # A full list repeats everything: reading ten thousand Models anew would be a pause of a second.
        self._versions[kind][key] = version
        try:
            value = _READERS[kind](item)
        except Unreadable as error:
            self.unreadable[kind.name, key] = str(error)
        else:
            self.unreadable.pop((kind.name, key), None)
            self._set(kind, key, value)

    def _drop(self, kind: Kind, key: str) -> None:
        self._versions[kind].pop(key, None)
        self.unreadable.pop((kind.name, key), None)
        self._set(kind, key, None)

    def _keep(self, kind: Kind, namespace: str, keys: frozenset[str]) -> None:
        for key in (self._tables[kind].keys() | self._versions[kind].keys()) - keys:
            if not namespace or key.startswith(f"{namespace}/"):
                self._drop(kind, key)

    def _read_secret(self, key: str, values: Mapping[str, bytes] | None) -> None:
        if self._secrets.get(key) == values:
            return
        self._changed.add(None)
        self._secrets.pop(key, None)
        if values is not None:
            self._secrets[key] = values

    def _set(self, kind: Kind, key: str, value: Model | RoleChain | Slice | None) -> None:
        """``value`` None: it is gone. What is equal stays the very object that it was."""
        table = self._tables[kind]
        before = table.get(key)
        if value == before:
            return
        self._changed.add(kind)
        if value is None:
            del table[key]
        else:
            table[key] = value
        if kind == SLICES:
            self._move(key, before, value if isinstance(value, Slice) else None)
        elif kind == MODELS:
            self._refer(key, objects.reference_of(value) if isinstance(value, Model) else None)

    def _move(self, key: str, before: Slice | None, now: Slice | None) -> None:
        """Keep the endpoints in step with the slices."""
        if before:
            del self._slices_of[before.model][key]
        if now:
            self._slices_of[now.model][key] = now
        for model in {part.model for part in (before, now) if part}:
            if slices := self._slices_of[model]:
                self._endpoints[model] = objects.addresses(slices.values())
                going = objects.terminating(slices.values())
            else:
                del self._slices_of[model], self._endpoints[model]
                going = ()
            if going:
                self._terminating[model] = going
            else:
                self._terminating.pop(model, None)

    def _refer(self, model: str, reference: Reference | None) -> None:
        if self._references.get(model) == reference:
            return
        self._changed.add(None)
        if reference:
            self._references[model] = reference
        else:
            del self._references[model]

    def _frozen(self, kind: Kind, before: Mapping[str, Any]) -> Mapping[str, Any]:
        return MappingProxyType(self._tables[kind].copy()) if kind in self._changed else before

    def _named_secrets(self) -> Mapping[str, Mapping[str, bytes]]:
        """Of all that was read only what a Model names: the rest is nobody's business."""
        needed = self.needed
        named = {
            secret: MappingProxyType({key: value for key, value in self._secrets[secret].items() if key in keys})
            for secret, keys in needed.items()
            if secret in self._secrets
        }
        self._secrets = {secret: values for secret, values in self._secrets.items() if secret in needed}
        return MappingProxyType(named)

"""All objects as last seen, and which Models and RoleChains a change of each matters to. No I/O.

Objects are kept as JSON text: it is immutable, and takes a fifth of the memory of the dicts that it stands for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeVar

import orjson

from auriga_operator.interest import interests, parent, topics
from auriga_operator.resources import CHAINS, EVENTS, MODELS, Key, Object, Resource, key_of

T = TypeVar("T", Key, str)

_REMEMBERED = 4096
"""Objects whose end is remembered: a list that was made before it must not bring them back."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it was last seen, and what it is linked to."""

    version: int
    text: bytes
    parent: Key | None
    topics: frozenset[str]
    interests: frozenset[str]

    def load(self) -> Object:
        """A copy of the object."""
        item: Object = orjson.loads(self.text)
        return item


class Store:
    """Objects by key. Whoever changes it is told which Models and RoleChains that matters to."""

    def __init__(self) -> None:
        self._items: dict[Key, Stored] = {}
        self._gone: dict[Key, int] = {}
        self._kinds: dict[str, set[Key]] = defaultdict(set)
        self._children: dict[Key, set[Key]] = defaultdict(set)
        self._interested: dict[str, set[Key]] = defaultdict(set)

    def put(self, item: Object) -> set[Key]:
        """The object is like this now. What is older than what is known changes nothing."""
        key = key_of(item)
        known = self._items.get(key)
        version = int(item["metadata"]["resourceVersion"])
        if version <= max(known.version if known else 0, self._gone.get(key, 0)):
            return set()
        above = self._above(item)
        if item["kind"] == EVENTS.kind and above is None:
            return set()
        stored = Stored(version, _text(item), above, topics(item), interests(item))
        touched = self._touched(key, known) if known else set()
        if known:
            self._unlink(key, known)
        self._items[key] = stored
        self._link(key, stored)
        return touched | self._touched(key, stored)

    def remove(self, item: Object) -> set[Key]:
        """The object is gone."""
        key, version = key_of(item), int(item["metadata"]["resourceVersion"])
        known = self._items.get(key)
        # Another one of that name may be there already.
        return set() if known and known.version > version else self._drop(key, version)

    def keep(self, resource: Resource, namespace: str, names: AbstractSet[Key], version: int) -> set[Key]:
        """At that version there were no others of that resource in that namespace (empty: in all)."""
        known = [key for key in self._kinds[resource.kind] if not namespace or key.namespace == namespace]
        # What is newer than the list cannot be in it.
        gone = [key for key in known if key not in names and self._items[key].version <= version]
        return {touched for key in gone for touched in self._drop(key, version)}

    def get(self, key: Key) -> Object | None:
        """A copy of the object, or None."""
        stored = self._items.get(key)
        return stored.load() if stored else None

    def text(self, key: Key) -> bytes:
        """The object as JSON; empty if there is none."""
        stored = self._items.get(key)
        return stored.text if stored else b""

    def version(self, key: Key) -> int:
        """The resource version of the object; 0 if there is none."""
        stored = self._items.get(key)
        return stored.version if stored else 0

    def keys(self, resource: Resource) -> tuple[Key, ...]:
        """All objects of a kind."""
        return tuple(self._kinds[resource.kind])

    def children(self, model: Key) -> Iterator[Object]:
        """What carries the label of that Model (what it owns, and its pods), and Warnings about that."""
        for key in sorted(self._children.get(model, ())):
            yield self._items[key].load()

    def interested(self, topic: str) -> frozenset[Key]:
        """The Models and RoleChains that are interested in a topic (see `interest`)."""
        return frozenset(self._interested.get(topic, ()))

    def _above(self, item: Object) -> Key | None:
        """The Model that the object belongs to; an Event belongs where what it is about belongs."""
        if item["kind"] != EVENTS.kind:
            return parent(item)
        about = item["involvedObject"]
        known = self._items.get(Key(about.get("kind", ""), about.get("namespace", ""), about.get("name", "")))
        return known.parent if known else None

    def _drop(self, key: Key, version: int) -> set[Key]:
        self._gone[key] = version
        while len(self._gone) > _REMEMBERED:
            del self._gone[next(iter(self._gone))]
        stored = self._items.pop(key, None)
        if stored is None:
            return set()
        self._unlink(key, stored)
        return self._touched(key, stored)

    def _link(self, key: Key, stored: Stored) -> None:
        self._kinds[key.kind].add(key)
        if stored.parent:
            self._children[stored.parent].add(key)
        for topic in stored.interests:
            self._interested[topic].add(key)

    def _unlink(self, key: Key, stored: Stored) -> None:
        self._kinds[key.kind].discard(key)
        if stored.parent:
            _discard(self._children, stored.parent, key)
        for topic in stored.interests:
            _discard(self._interested, topic, key)

    def _touched(self, key: Key, stored: Stored) -> set[Key]:
        touched = {other for topic in stored.topics for other in self._interested.get(topic, ())}
        if key.kind in (MODELS.kind, CHAINS.kind):
            touched.add(key)
        if stored.parent:
            touched.add(stored.parent)
        return touched


def _discard(sets: dict[T, set[Key]], name: T, key: Key) -> None:
    sets[name].discard(key)
    if not sets[name]:
        del sets[name]


def _text(item: Object) -> bytes:
    """Without managedFields, which are half of an object and of no use here."""
    metadata = {name: value for name, value in item["metadata"].items() if name != "managedFields"}
    return orjson.dumps({**item, "metadata": metadata})

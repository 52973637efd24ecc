"""Which name means which RoleChain or Model: role, then synonym, then Model name, each also as ``namespace/name``.

Pure. Within a namespace a role hides a synonym, and a synonym a Model. Across namespaces an unprefixed name means
the default namespace's, else the only one there is; a namespace can never take a name from the default one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import TypeVar

from auriga_router.table import Chain, Claim, Names

_K = TypeVar("_K")
_V = TypeVar("_V")
_ROLE, _SYNONYM, _MODEL = range(3)
_MAX_COMPARED = 400
"""Names compared for a suggestion: difflib takes about 20 us for each, on the event loop."""


def renamed(names: Names, gone: Iterable[Chain], new: Iterable[Chain]) -> Generator[None, None, Names]:
    """The names after chains have gone and come. Only the names that these claim are looked at; pauses after each."""
    lost = frozenset(gone)
    claimed: defaultdict[str, list[Claim]] = defaultdict(list)
    for chain in new:
        for name, claim in _claims(chain):
            claimed[name].append(claim)
        yield
    for chain in lost:
        for name, _ in _claims(chain):
            claimed[name]  # perhaps nobody new wants it, and yet it may mean something else now
        yield
    if not claimed:
        return names
    draft = _Draft(names)
    for name, added in claimed.items():
        draft.settle(name, (*(claim for claim in names.claims.get(name, ()) if claim.chain not in lost), *added))
        yield
    return Names(names.default_namespace, draft.meant, draft.ambiguous, draft.claims)


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three known names that look like ``name``."""
    lengths = range(len(name) // 2, len(name) * 2 + 1)
    plausible = (known for known in names if len(known) in lengths)
    return get_close_matches(name[:128], islice(plausible, _MAX_COMPARED), n=3)


def copied(mapping: Mapping[_K, _V]) -> dict[_K, _V]:
    """``dict(mapping)`` inserts one by one where something was ever removed, which takes ten times as long."""
    return mapping.copy() if isinstance(mapping, dict) else dict(mapping)


class _Draft:
    """Names that are being changed."""

    def __init__(self, names: Names) -> None:
        self._default = names.default_namespace
        self.meant = copied(names.meant)
        self.ambiguous = copied(names.ambiguous)
        self.claims = copied(names.claims)

    def settle(self, name: str, claims: tuple[Claim, ...]) -> None:
        """Decide what this name means, by itself and in each namespace."""
        best = _best(claims)
        for claim in self.claims.get(name, ()):
            if claim.chain.namespace not in best:
                self.meant.pop(f"{claim.chain.namespace}/{name}", None)
        for namespace, claim in best.items():
            self.meant[f"{namespace}/{name}"] = claim.chain
        if claims:
            self.claims[name] = claims
        else:
            self.claims.pop(name, None)
        self._settle_bare(name, best)

    def _settle_bare(self, name: str, best: Mapping[str, Claim]) -> None:
        chosen = self._choose(best)
        if len(chosen) == 1:
            self.meant[name] = best[chosen[0]].chain
        else:
            self.meant.pop(name, None)
        if len(chosen) > 1:
            self.ambiguous[name] = tuple(f"{namespace}/{name}" for namespace in chosen)
        else:
            self.ambiguous.pop(name, None)

    def _choose(self, best: Mapping[str, Claim]) -> list[str]:
        """The namespaces that the name may mean without a prefix."""
        if self._default in best:
            return [self._default]
        lowest = min((claim.rank for claim in best.values()), default=_ROLE)
        return sorted(namespace for namespace, claim in best.items() if claim.rank == lowest)


def _claims(chain: Chain) -> Iterator[tuple[str, Claim]]:
    yield chain.role, Claim(_ROLE if chain.is_role else _MODEL, chain)
    for synonym in chain.synonyms:
        yield synonym, Claim(_SYNONYM, chain)


def _best(claims: tuple[Claim, ...]) -> dict[str, Claim]:
    """Whose claim counts in each namespace: that of the lowest rank, then of the first key."""
    best: dict[str, Claim] = {}
    for claim in claims:
        known = best.get(claim.chain.namespace)
        if known is None or claim.order < known.order:
            best[claim.chain.namespace] = claim
    return best

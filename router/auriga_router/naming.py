"""Which name means which RoleChain or Model: role, then synonym, then Model name, each also as ``namespace/name``.

Pure. Within a namespace a role hides a synonym, and a synonym a Model. Across namespaces an unprefixed name means
the default namespace's, else the only one there is; a namespace can never take a name from the default one.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import ClassVar

from auriga_router.table import Chain

_MAX_COMPARED = 400
"""Names compared for a suggestion: difflib takes about 20 us for each, on the event loop."""


class Names:
    """Collects names, then says what each means."""

    ROLE: ClassVar[int] = 0
    SYNONYM: ClassVar[int] = 1
    MODEL: ClassVar[int] = 2

    def __init__(self, default_namespace: str) -> None:
        self._default = default_namespace
        self._prefixed: dict[str, tuple[int, Chain]] = {}
        self._namespaces: dict[str, list[str]] = {}

    def add(self, namespace: str, name: str, chain: Chain, rank: int) -> None:
        """``name`` leads to ``chain``; a lower rank wins, and of equal ranks the first that was added."""
        key = f"{namespace}/{name}"
        known = self._prefixed.get(key)
        if known is None:
            self._namespaces.setdefault(name, []).append(namespace)
        if known is None or rank < known[0]:
            self._prefixed[key] = (rank, chain)

    def resolve(self) -> tuple[dict[str, Chain], dict[str, tuple[str, ...]]]:
        """Every name with what it means, and the unprefixed names that mean nothing because several claim them."""
        names = {key: chain for key, (_, chain) in self._prefixed.items()}
        ambiguous: dict[str, tuple[str, ...]] = {}
        for name, namespaces in self._namespaces.items():
            chosen = self._choose(name, namespaces)
            if len(chosen) == 1:
                names[name] = names[chosen[0]]
            else:
                ambiguous[name] = tuple(chosen)
        return names, ambiguous

    def _choose(self, name: str, namespaces: list[str]) -> list[str]:
        if self._default in namespaces:
            return [f"{self._default}/{name}"]
        keys = sorted(f"{namespace}/{name}" for namespace in namespaces)
        best = min(self._prefixed[key][0] for key in keys)
        return [key for key in keys if self._prefixed[key][0] == best]


def near(name: str, names: Iterable[str]) -> list[str]:
    """Up to three known names that look like ``name``."""
    lengths = range(len(name) // 2, len(name) * 2 + 1)
    plausible = (known for known in names if len(known) in lengths)
    return get_close_matches(name[:128], islice(plausible, _MAX_COMPARED), n=3)

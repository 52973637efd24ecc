"""The snapshot: everything the router knows of the world at one moment, immutable. Sources yield it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from auriga_api import Model, RoleChain


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All resources and endpoints as last seen. Every key is ``namespace/name``."""

    models: Mapping[str, Model] = field(default_factory=lambda: MappingProxyType({}))
    chains: Mapping[str, RoleChain] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    endpoints: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Model key -> ``host:port`` of each endpoint that is ready (served Models only; a provider has its baseURL)."""
    terminating: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """The same of those that take no new request, and finish what they have begun."""
    private: bool = False
    """Only who runs it can ask for its status: that then tells what is no caller's business, too, such as paths."""

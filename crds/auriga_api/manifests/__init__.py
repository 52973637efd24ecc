"""Manifests: YAML texts in; Models, RoleChains, Secrets and problems out. Pure, and never raises on bad input."""

from auriga_api.manifests.cross_references import references
from auriga_api.manifests.dumping import dump, plain
from auriga_api.manifests.parsing import parse
from auriga_api.manifests.values import Manifests, Origin, Problem

__all__ = ["Manifests", "Origin", "Problem", "dump", "parse", "plain", "references"]

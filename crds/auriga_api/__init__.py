"""Auriga's API as types: the one source of truth that the CRDs are generated from."""

from auriga_api.base import API_VERSION, GROUP, VERSION, Condition, ObjectMeta
from auriga_api.model import Model, ModelSpec, ModelStatus
from auriga_api.rolechain import RoleChain, RoleChainSpec, RoleChainStatus
from auriga_api.secret import Secret

__all__ = [
    "API_VERSION", "GROUP", "VERSION", "Condition", "Model", "ModelSpec", "ModelStatus", "ObjectMeta",
    "RoleChain", "RoleChainSpec", "RoleChainStatus", "Secret",
]  # fmt: skip

"""What pods may do: as little as Kubernetes' restricted Pod Security asks for, and less. Pure."""

from __future__ import annotations

from typing import Any

USER = 65532
"""Nobody in particular; upstream's images name none, and root is not let in."""


def pod() -> dict[str, Any]:
    """For a whole pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container() -> dict[str, Any]:
    """For each container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }

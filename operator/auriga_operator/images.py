"""Which llama.cpp server image serves which GPU: one table. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from auriga_api.quantity import parse_quantity

Flavour = Literal["cpu", "cuda", "rocm", "vulkan"]

_UPSTREAM = "ghcr.io/ggml-org/llama.cpp"
_BUILD = "b11312"

IMAGES: Mapping[Flavour, str] = {
    "cpu": f"{_UPSTREAM}:server-{_BUILD}",
    "cuda": f"{_UPSTREAM}:server-cuda-{_BUILD}",
    "rocm": f"{_UPSTREAM}:server-rocm-{_BUILD}",
    "vulkan": f"{_UPSTREAM}:server-vulkan-{_BUILD}",
}
"""llama.cpp's own images, all of one build, by what they compute on."""

FLAVOURS: Mapping[str, Flavour] = {
    "nvidia.com": "cuda",
    "amd.com": "rocm",
    "gpu.intel.com": "vulkan",
    "squat.ai": "vulkan",
}
"""The domain of a device's resource name -> what computes on it. Any other device: vulkan, which most drivers have."""

NODE_LABELS: Mapping[str, tuple[str, ...]] = {
    "nvidia.com": ("nvidia.com/gpu.present", "cloud.google.com/gke-accelerator"),
    "amd.com": ("amd.com/gpu.device-id", "amd.com/gpu.family"),
    "gpu.intel.com": ("intel.feature.node.kubernetes.io/gpu",),
}
"""Labels that the vendors' own tools put on nodes with their devices."""


def devices(resource_names: Iterable[str]) -> tuple[str, ...]:
    """Those resource names that stand for devices: ``nvidia.com/gpu``, but not ``cpu`` or ``hugepages-2Mi``."""
    return tuple(sorted(name for name in resource_names if "/" in name))


def device_count(asked: Mapping[str, str | int]) -> int:
    """How many devices a pod gets that asks for these resources; one that asks for none may still use one."""
    return max(1, sum(int(parse_quantity(asked[name])) for name in devices(asked)))


def flavour(resource_names: Iterable[str]) -> Flavour:
    """What a pod that asks for these resources computes on."""
    found = devices(resource_names)
    return FLAVOURS.get(found[0].partition("/")[0], "vulkan") if found else "cpu"


def engine_image(resource_names: Iterable[str], overrides: Mapping[str, str]) -> str:
    """The engine's image for a pod that asks for these resources."""
    kind = flavour(resource_names)
    return overrides.get(kind) or IMAGES[kind]

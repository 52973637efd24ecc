"""The operator's settings: flag, else ``AURIGA_*`` environment variable, else default. Pure."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]

_PASSED_ON = ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set. Times in seconds. Each field's docstring is its help."""

    namespaces: tuple[str, ...] = ()
    """Namespaces to work in, separated by commas. Default: all."""
    image: str = "ghcr.io/auriga-llm/auriga:latest"
    """Image of this program, which fetches weights in its own pods."""
    engine_images: Mapping[str, str] = field(default_factory=dict)
    """Engine images instead of the built-in ones, such as cpu=registry/llama:1,cuda=registry/llama-cuda:1."""
    engine_args: tuple[str, ...] = ()
    """Arguments for every llama-server, separated by commas, before those of the Model."""
    weights_storage_class: str = ""
    """StorageClass of the volumes that hold fetched weights. Default: the cluster's."""
    weights_access_mode: AccessMode = "ReadWriteOnce"
    """Access mode of those volumes; ReadWriteMany lets replicas run on several nodes."""
    weights_size: str = "100Gi"
    """Size of those volumes."""
    image_volumes: Literal["auto", "yes", "no"] = "auto"
    """Whether nodes mount images as volumes. auto: from Kubernetes 1.35 on; else the weights are copied."""
    drain: int = 300
    """Longest wait for requests in flight before a pod that is to go is stopped."""
    surge_patience: float = 10.0
    """How long a new pod may wait for a device beside the old ones, before an old one goes first."""
    rollouts: int = 1
    """Models whose pods are replaced at the same time when no Model was changed: after an upgrade of the operator."""
    workers: int = 16
    """Objects that are worked on at the same time."""
    resync: float = 600.0
    """Time between two full lists of everything."""
    lease_name: str = "auriga-operator"
    """Name of the Lease that elects the replica that works."""
    lease_namespace: str = ""
    """Namespace of that Lease. Default: the one that this program runs in."""
    lease_seconds: float = 10.0
    """How long a Lease holds after it was last renewed."""
    router_service: str = ""
    """namespace/name of the Service of the routers, whose load Models with autoscaling follow."""
    load_token_file: str = ""
    """File with the token that the routers tell their load for. Read anew for each router."""
    probe_port: int = 8081
    """Port of the liveness probe; 0 for none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""
    passed_on: Mapping[str, str] = field(default_factory=dict, metadata={"hidden": True})
    """Environment of this program that the fetching pods get too: a hub mirror, proxies."""


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings that a command line and an environment make. Exits with a usage message on bad input."""
    parser = argparse.ArgumentParser(prog="auriga-operator", description="Serves Models and RoleChains on Kubernetes.")
    hints = get_type_hints(Settings)
    for each in (each for each in fields(Settings) if not each.metadata.get("hidden")):
        variable = f"AURIGA_{each.name.upper()}"
        options: dict[str, Any] = {"help": f"[{variable}]", "dest": each.name, "type": _reader(hints[each.name])}
        if choices := _choices(hints[each.name]):
            options["choices"] = choices
        if environ.get(variable):
            options["default"] = environ[variable]
        parser.add_argument(f"--{each.name.replace('_', '-')}", **options)
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    if service := given.get("router_service"):
        namespace, _, name = service.partition("/")
        if not namespace or not name:
            parser.error(f"argument --router-service: {service!r} is no namespace/name")
    return Settings(**given, passed_on={name: environ[name] for name in _PASSED_ON if environ.get(name)})


def _choices(hint: object) -> tuple[str, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _reader(hint: object) -> Callable[[str], object]:
    if hint == tuple[str, ...]:
        return lambda text: tuple(part.strip() for part in text.split(",") if part.strip())
    readers: dict[object, Callable[[str], object]] = {int: int, float: float, Mapping[str, str]: _pairs}
    return readers.get(hint, str)


def _pairs(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(separator and value for _, separator, value in pairs):
        raise argparse.ArgumentTypeError("write name=value, several separated by commas")
    return {name.strip(): value.strip() for name, _, value in pairs}

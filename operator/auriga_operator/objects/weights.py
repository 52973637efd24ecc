"""Where a Model's weights are for its pods: volumes, mounts and the path that llama-server loads. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from auriga_api import Model
from auriga_api.quantity import parse_quantity
from auriga_api.source import Source
from auriga_operator.images import device_count
from auriga_operator.objects import security
from auriga_operator.objects.names import digest, weights_claim
from auriga_operator.weights.memory import Room

MOUNT = "/weights"
_VOLUME = "weights"
_PATTERN = re.compile(r"[*?\[]")
_SHARD = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weights:
    """What a pod needs to load them. ``id`` changes when other weights are meant."""

    id: str
    path: str
    volumes: list[dict[str, Any]]
    init_containers: list[dict[str, Any]] = field(default_factory=list)


def source_of(model: Model) -> Source:
    """The source of a Model that is served here; one of a provider has none."""
    if model.spec.source is None:
        raise ValueError(f"{model.metadata.key} has no source")
    return model.spec.source


def fetched(model: Model) -> bool:
    """Whether they have to be fetched first, into a claim of the Model's own."""
    source = model.spec.source
    return source is not None and (source.hugging_face is not None or source.url is not None)


def identity(model: Model) -> str:
    """A hash of what decides which weights are meant."""
    spec = model.spec
    source = source_of(model).model_dump(by_alias=True, exclude_none=True)
    if source_of(model).hugging_face is not None:
        source["huggingFace"].pop("tokenSecretRef", None)
    memory = (
        str(spec.gpu_memory),
        spec.engine.context_length,
        spec.engine.parallel,
        sorted(spec.resources.limits.items()),
    )
    return digest([source, *([memory] if room(model) else [])])


def room(model: Model) -> Room | None:
    """The GPU memory by which its quantization is chosen; None where it is not chosen by that."""
    hub = model.spec.source.hugging_face if model.spec.source else None
    if hub is None or hub.quantization.lower() != "auto" or model.spec.gpu_memory is None:
        return None
    if hub.file and not _PATTERN.search(hub.file):
        return None
    resources = model.spec.resources
    return Room(int(parse_quantity(model.spec.gpu_memory)), device_count({**resources.requests, **resources.limits}))


def mounted(model: Model, fetched_path: str, *, image_volumes: bool) -> Weights:
    """The weights as a pod mounts them. ``fetched_path``: where the fetched ones lie in their claim."""
    source = source_of(model)
    id_ = identity(model)
    if source.volume:
        return Weights(id_, f"{MOUNT}/{source.volume.path}", [_claim(source.volume.claim_name)])
    if source.file:
        path = PurePosixPath(source.file.path)
        # Its folder, because the other shards of a sharded file lie there too.
        host = {"name": _VOLUME, "hostPath": {"path": str(path.parent), "type": "Directory"}}
        return Weights(id_, f"{MOUNT}/{path.name}", [host])
    if source.image:
        reference, inside = source.image.reference, source.image.path
        if image_volumes:
            return Weights(id_, f"{MOUNT}/{inside}", [{"name": _VOLUME, "image": {"reference": reference}}])
        copied = {"name": _VOLUME, "emptyDir": {}}
        return Weights(id_, f"{MOUNT}/{PurePosixPath(inside).name}", [copied], [_copy(reference, inside)])
    return Weights(id_, f"{MOUNT}/{fetched_path}", [_claim(weights_claim(model.metadata.name))])


def mount(*, writable: bool = False) -> dict[str, Any]:
    """The mount of the volume with the weights."""
    return {"name": _VOLUME, "mountPath": MOUNT, "readOnly": not writable}


def _claim(name: str) -> dict[str, Any]:
    return {"name": _VOLUME, "persistentVolumeClaim": {"claimName": name}}


def _copy(reference: str, inside: str) -> dict[str, Any]:
    """Copies them out of the image, for nodes that cannot mount one; the image must have ``cp``."""
    return {
        "name": "copy-weights",
        "image": reference,
        "command": ["cp", "--", *(f"/{name}" for name in _shards(inside)), f"{MOUNT}/"],
        "securityContext": security.container(),
        "volumeMounts": [mount(writable=True)],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _shards(path: str) -> list[str]:
    match = _SHARD.fullmatch(path)
    if match is None:
        return [path]
    return [f"{match['stem']}-{number:05}-of-{match['count']}.gguf" for number in range(1, int(match["count"]) + 1)]

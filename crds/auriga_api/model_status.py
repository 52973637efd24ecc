"""What is true of a Model now. Written by the operator, or by local mode for display."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from auriga_api.base import Condition, Schema
from auriga_api.rules import ListMap

Phase = Literal["Pending", "Downloading", "Loading", "Ready", "Degraded", "ScaledToZero", "Suspended", "Failed"]

ENGINE_SAID: Final = ": it said: "
"""Stands in a condition's message before what the engine itself wrote. Callers of the router are not told what follows
it: prompts may be among it."""

FILES_THERE: Final = "; GGUF files in "
"""The same before what lies in a folder of a machine."""

ENGINE_CRASHED: Final = "EngineCrashed"
"""Reason of Ready: the engine ended by itself."""

KILLED: Final = "Killed"
"""The same: somebody ended it by SIGKILL, perhaps the system, for want of memory."""

OOM_KILLED: Final = "OOMKilled"
"""The same: the node ended it at its memory limit, or for want of memory. Kubernetes' own word."""

UNRESPONSIVE: Final = "Unresponsive"
"""The same: it hung, and was ended because of that."""

STARTED_AGAIN: Final = frozenset({ENGINE_CRASHED, KILLED, OOM_KILLED, UNRESPONSIVE})
"""Reasons of engines that whoever runs them starts again by themselves: the phase is Failed until they have loaded."""

_Count = Annotated[int, Field(ge=0)]


class Artifact(Schema):
    """The weights as they were resolved."""

    repo: str = ""
    """Repository they came from."""
    revision: str = ""
    """Commit of the repository."""
    file: str = ""
    """File that is loaded (the first one, if it is sharded)."""
    sha256: str = ""
    """Checksum of the file."""
    size_bytes: _Count = 0
    """Size of all files together, in bytes."""
    quantization: str = ""
    """Quantization, such as Q4_K_M."""
    architecture: str = ""
    """Architecture that the GGUF header names, such as qwen3."""
    context_length: _Count = 0
    """Tokens of context that the model was trained for."""
    parameters: _Count = 0
    """Number of parameters."""
    vram_required: _Count = 0
    """GPU memory that it needs with its KV cache, in bytes."""


class Download(Schema):
    """How far the weights have come."""

    bytes: _Count = 0
    """Bytes that are here."""
    total_bytes: _Count = 0
    """Bytes in all; 0 while unknown."""
    percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share that is here, in percent."""
    eta: str = ""
    """Time left, such as 3m20s."""


class Scaling(Schema):
    """What was decided of the number of replicas, for a Model with autoscaling."""

    desired: _Count = 0
    """Replicas that the load asks for, within minReplicas and maxReplicas."""
    reason: str = ""
    """Why so many, or why no more."""
    last_scale_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = ""
    """When desired last changed."""


class ModelStatus(Schema):
    """What is true of a Model now."""

    observed_generation: _Count = 0
    """The metadata.generation that the status was made for."""
    phase: Phase = "Pending"
    """Summary for people. Machines read conditions."""
    artifact: Artifact | None = None
    """The weights as they were resolved."""
    download: Download | None = None
    """How far the weights have come; absent when nothing is downloaded."""
    replicas: _Count = 0
    """Replicas that exist."""
    ready_replicas: _Count = 0
    """Replicas that answer."""
    autoscaling: Scaling | None = None
    """What was decided of the number of replicas; absent without spec.autoscaling."""
    selector: str = ""
    """Label selector of the pods, for kubectl scale and autoscalers."""
    endpoint: str = ""
    """Address inside the cluster."""
    slots: _Count = 0
    """Requests that all ready replicas work on at the same time."""
    conditions: Annotated[list[Condition], Field(max_length=16), ListMap("type")] = []
    """Ready, WeightsResolved, WeightsReady, Scheduled, Progressing: each says why, and what to do."""

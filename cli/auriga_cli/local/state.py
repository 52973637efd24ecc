"""What local mode knows at one moment, as frozen values: what is wanted, what runs, what failed. Pure.

Times are seconds of one monotonic clock; sizes are bytes; a Model is named by its key, ``namespace/name``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from auriga_api.model import Artifact, Autoscaling
from auriga_operator.weights.memory import Room

Slot = tuple[str, int, str]
"""Model key, replica (0 ...), revision: what a failure is counted for."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a Model cannot be served as it is written, and what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class WeightsRequest:
    """What the weights program is asked for: the same ``id`` for the same question.

    Context and slots do not change the weights, but what memory they are said to need.
    """

    id: str
    source: Mapping[str, Any]
    base: str
    context_length: int
    parallel: int
    token: str = field(default="", repr=False)
    room: Room | None = None
    """The GPU memory by which the quantization is chosen."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One served Model, as the manifests want it on this machine."""

    model: str
    name: str
    replicas: int
    request: WeightsRequest
    revision: str
    """Changes with everything that a running engine would have to be started anew for, and with nothing else."""
    context_length: int | None = None
    parallel: int = 1
    gpu_layers: int | None = None
    embeddings: bool = False
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values from Secrets that must not show in what the engine prints."""
    on_gpu: bool = False
    """The weights go to a GPU: this machine's own memory is not what they need."""
    blocked: Blocked | None = None
    autoscaling: Autoscaling | None = None
    """With it, ``replicas`` is what the load asks for and the memory allows: it takes turns with others of its kind."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Failures in a row, and when the last one was."""

    count: int
    at: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """Weights on their way here, here, or not to be had."""

    id: str
    state: Literal["Running", "Done", "Failed"]
    path: str = ""
    artifact: Artifact | None = None
    bytes: int = 0
    total_bytes: int = 0
    eta: float | None = None
    trouble: str = ""
    """What went wrong last on the way and is tried again."""
    reason: str = ""
    message: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """One engine process that has been started and has not ended."""

    id: int
    model: str
    replica: int
    revision: str
    state: Literal["Loading", "Healthy", "Stopping"]
    since: float
    """When the state began."""
    progress: float
    """The last sign of getting on: bytes read while it loads, an answer or work done while it serves."""
    memory: int = 0
    """Bytes of this machine's memory that it will need once it has loaded."""
    address: str = ""
    gpu_memory: int = 0
    """Bytes of GPU memory, likewise."""

    @property
    def slot(self) -> Slot:
        return (self.model, self.replica, self.revision)


@dataclass(frozen=True, slots=True)
class Memory:
    """This machine's memory, or the part of it that Auriga may use."""

    total: int
    available: int


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is decided from."""

    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    fetches: Mapping[str, Fetch] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    failures: Mapping[Slot, Failure] = field(default_factory=dict)
    memory: Memory | None = None
    """None: not known, so nothing is refused for it."""
    gpu_memory: int | None = None
    """Bytes of all GPUs together that engines may use; None: not known."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is too long, in seconds."""

    load: float = 600.0
    """Loading without a sign of progress."""
    silent: float = 60.0
    """Serving without an answer to a health check and without any work done."""
    backoff_first: float = 1.0
    backoff_limit: float = 60.0
    healthy_again: float = 10.0
    """After serving this long, an engine's earlier failures are forgotten."""

"""How much memory an engine will need, and whether it is there. Pure; `machine` reads the figures."""

from __future__ import annotations

from auriga_api.model import Artifact
from auriga_cli.local.state import Memory, Process, Wanted
from auriga_operator import texts
from auriga_operator.weights.memory import RESERVE

DEFAULT_CONTEXT = 8192
"""Tokens per request without ``contextLength``: what models are trained on, 131,072 and more, would rarely fit."""

_PROGRAM = 64 << 20
"""An engine without weights: code, compute buffers of a small model, HTTP threads."""


def context_length(wanted: Wanted, artifact: Artifact | None) -> int:
    """Tokens per request: as written, else what the model was trained on, up to DEFAULT_CONTEXT."""
    if wanted.context_length is not None:
        return wanted.context_length
    trained = artifact.context_length if artifact else 0
    return min(trained, DEFAULT_CONTEXT) if trained else DEFAULT_CONTEXT


def need(wanted: Wanted, artifact: Artifact | None) -> int:
    """Bytes of this machine's memory for one replica: weights and KV cache as the GGUF header says, the program."""
    if wanted.on_gpu or artifact is None:
        return 0
    return max(artifact.vram_required, artifact.size_bytes) + _PROGRAM


def gpu_need(wanted: Wanted, artifact: Artifact | None) -> int:
    """Bytes of GPU memory for one replica, as if all layers were on the GPU, with compute buffers."""
    if not wanted.on_gpu or artifact is None:
        return 0
    return max(artifact.vram_required, artifact.size_bytes) + RESERVE


def room(memory: Memory, processes: tuple[Process, ...]) -> int:
    """Bytes that one more engine may take.

    Two bounds: what the system says is available, less what engines that are still loading will take of it; and all
    of it less what every engine needs, because the system counts mapped weights as available though they are in use.
    """
    loading = sum(process.memory for process in processes if process.state == "Loading")
    return min(memory.available - loading, memory.total - sum(process.memory for process in processes))


def human_size(size: int) -> str:
    """A size for people."""
    return texts.size(max(size, 0))

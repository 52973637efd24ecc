"""Which quantization of a model is the best that fits into the GPUs it may use. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auriga_operator.texts import size
from auriga_operator.weights import memory, quantization
from auriga_operator.weights.choose import Candidate
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.memory import Estimate, Room

if TYPE_CHECKING:
    from auriga_operator.weights.gguf_header import Header

_STEP = 256
"""Tokens: llama.cpp pads a context to a multiple of these."""
_LEAST = 512
"""Tokens of context below which nobody is advised to go."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is to fit: ``context`` tokens (None: what the model was trained on) of each of ``parallel`` slots."""

    room: Room
    context: int | None
    parallel: int

    def of(self, header: Header, candidate: Candidate) -> Estimate:
        return memory.estimate(header, candidate.size, self.context, self.parallel)


def best(candidates: Sequence[Candidate], header: Header, need: Need, where: str) -> Candidate:
    """The one of the highest quality that fits with its KV cache, which takes the same beside each of them.

    Raises WeightsError (InsufficientGpuMemory), which says what is short, and what would help.
    """
    for candidate in sorted(candidates, key=_quality):
        if need.of(header, candidate).total <= need.room.usable:
            return candidate
    raise WeightsError(Reason.INSUFFICIENT_GPU_MEMORY, _nothing_fits(candidates, header, need, where))


def _quality(candidate: Candidate) -> tuple[int, int, str]:
    return quantization.quality(candidate.quantization), -candidate.size, candidate.name


def _nothing_fits(candidates: Sequence[Candidate], header: Header, need: Need, where: str) -> str:
    smallest = min(candidates, key=lambda each: (each.size, each.name))
    estimate = need.of(header, smallest)
    short = estimate.total - need.room.usable
    return (
        f"no file of {where} fits into {need.room}: {smallest.name}, the smallest, takes {estimate.arithmetic}, and "
        f"{size(need.room.reserve)} are left for compute buffers: {size(short)} are short: {_advice(estimate, need)}"
    )


def _advice(estimate: Estimate, need: Need) -> str:
    ways = []
    fitting = _fitting_context(estimate, need)
    if fitting >= _LEAST:
        ways.append(f"lower spec.engine.contextLength from {estimate.context} to {fitting}")
    if need.parallel > 1:
        ways.append(f"lower spec.engine.parallel ({need.parallel})")
    ways.append("ask for more GPUs in spec.resources.limits, or larger ones with their spec.gpuMemory")
    ways.append("choose a smaller model")
    return ", or ".join(ways)


def _fitting_context(estimate: Estimate, need: Need) -> int:
    """Tokens of each slot that would fit; 0 if the weights alone do not."""
    left = need.room.usable - estimate.weights
    each = estimate.per_token * need.parallel
    return max(0, left // each // _STEP * _STEP) if each else 0

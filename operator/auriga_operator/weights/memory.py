"""How much GPU memory weights take with the KV cache of their slots. Pure arithmetic, shown as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auriga_operator.texts import size

if TYPE_CHECKING:  # the header's reader brings numpy, which the operator has no use for
    from auriga_operator.weights.gguf_header import Header

F16 = 2
"""Bytes of one number in llama-server's KV cache, unless it is told to quantize that too."""


RESERVE = 768 << 20
"""Bytes of each GPU that are left for llama.cpp's compute buffers, which depend on its batch size, and the driver."""


@dataclass(frozen=True, slots=True)
class Room:
    """The memory of the GPUs that a Model may use; ``each`` in bytes."""

    each: int
    gpus: int

    @property
    def reserve(self) -> int:
        return RESERVE * self.gpus

    @property
    def usable(self) -> int:
        return self.each * self.gpus - self.reserve

    def __str__(self) -> str:
        return f"{self.gpus} x {size(self.each)}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes, for ``context`` tokens of each slot. Without llama.cpp's compute buffers: RESERVE is for those."""

    weights: int
    kv_cache: int
    context: int
    per_token: int
    arithmetic: str

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache


def estimate(header: Header, weights: int, context: int | None, parallel: int) -> Estimate:
    """``weights``: bytes of all files. ``context``: tokens of one slot, None for what the model was trained on.

    The KV cache holds a key and a value of each KV head, of each layer, for each token of each slot. Layers with a
    sliding window take less than this says; models without attention in every layer too.
    """
    tokens = (context or header.context_length) * parallel
    per_token = F16 * sum(_kv_heads(header)) * (_key(header) + _value(header))
    arithmetic = _arithmetic(header, weights, tokens, parallel, per_token)
    return Estimate(weights, tokens * per_token, tokens // parallel, per_token, arithmetic)


def fitted(weights: int, total: int, context: int, parallel: int, room: Room) -> str:
    """Why a file was taken: ``weights`` and ``total`` in bytes, as an estimate said."""
    slots = f"{parallel} slot{'s' if parallel > 1 else ''}"
    return (
        f"the best that fits into {room}: {size(weights)} weights + {size(total - weights)} KV cache "
        f"({context} tokens x {slots}) + {size(room.reserve)} for compute buffers = {size(total + room.reserve)}"
    )


def _kv_heads(header: Header) -> tuple[int, ...]:
    """Per layer."""
    heads = header.head_count_kv or (header.head_count,)
    return heads if len(heads) > 1 else heads * header.block_count


def _key(header: Header) -> int:
    return header.key_length or (header.embedding_length // header.head_count if header.head_count else 0)


def _value(header: Header) -> int:
    return header.value_length or _key(header)


def _arithmetic(header: Header, weights: int, tokens: int, parallel: int, per_token: int) -> str:
    total = weights + tokens * per_token
    return (
        f"{size(weights)} weights + {size(tokens * per_token)} KV cache ({header.block_count} layers "
        f"x {max(_kv_heads(header), default=0)} KV heads x ({_key(header)} + {_value(header)}) "
        f"x {F16} bytes x {tokens // parallel} tokens x {parallel} slots) = {size(total)}"
    )

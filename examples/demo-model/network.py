"""The demo model's network in JAX: a small Llama (RMSNorm, rotary positions, SwiGLU, tied embeddings).

Tensor names and shapes are those of a GGUF file, so that ``export.py`` writes them as they are.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

Params = dict[str, jax.Array]
"""Tensor name, as in GGUF without ``.weight`` -> value."""

VOCAB, DIM, LAYERS, HEADS, FFN = 1024, 128, 4, 4, 352
HEAD = DIM // HEADS
EPSILON, ROPE_BASE = 1e-5, 10_000.0
_FREQUENCIES = ROPE_BASE ** (-np.arange(0, HEAD, 2) / HEAD)


def initial(seed: int) -> Params:
    """Untrained weights: norms of one, everything else small and random."""
    key = jax.random.PRNGKey(seed)

    def random(*shape: int) -> jax.Array:
        nonlocal key
        key, part = jax.random.split(key)
        return jax.random.normal(part, shape) * 0.05

    params = {"token_embd": random(VOCAB, DIM), "output_norm": jnp.ones(DIM)}
    for i in range(LAYERS):
        params |= {f"blk.{i}.attn_norm": jnp.ones(DIM), f"blk.{i}.ffn_norm": jnp.ones(DIM)}
        params |= {f"blk.{i}.attn_{name}": random(DIM, DIM) for name in ("q", "k", "v", "output")}
        params |= {f"blk.{i}.ffn_{name}": random(FFN, DIM) for name in ("gate", "up")}
        params |= {f"blk.{i}.ffn_down": random(DIM, FFN)}
    return params


def logits(params: Params, ids: jax.Array) -> jax.Array:
    """(batch, time) token ids -> (batch, time, vocabulary) scores of the next token."""
    x = params["token_embd"][ids]
    for i in range(LAYERS):
        x = x + _attention(params, i, _norm(x, params[f"blk.{i}.attn_norm"]))
        x = x + _feed_forward(params, i, _norm(x, params[f"blk.{i}.ffn_norm"]))
    return _norm(x, params["output_norm"]) @ params["token_embd"].T


def _attention(params: Params, i: int, x: jax.Array) -> jax.Array:
    batch, time, _ = x.shape
    q, k, v = ((x @ params[f"blk.{i}.attn_{name}"].T).reshape(batch, time, HEADS, HEAD) for name in "qkv")
    scores = jnp.einsum("bqhd,bkhd->bhqk", _rope(q), _rope(k)) / HEAD**0.5
    causal = jnp.tril(jnp.ones((time, time), bool))
    weights = jax.nn.softmax(jnp.where(causal, scores, -1e9), -1)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", weights, v).reshape(batch, time, DIM)
    return mixed @ params[f"blk.{i}.attn_output"].T


def _feed_forward(params: Params, i: int, x: jax.Array) -> jax.Array:
    gate, up = x @ params[f"blk.{i}.ffn_gate"].T, x @ params[f"blk.{i}.ffn_up"].T
    return (jax.nn.silu(gate) * up) @ params[f"blk.{i}.ffn_down"].T


def _norm(x: jax.Array, gain: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPSILON) * gain


def _rope(x: jax.Array) -> jax.Array:
    """x: (batch, time, heads, head). Neighbouring pairs turn together, as llama.cpp does for architecture llama."""
    angle = jnp.arange(x.shape[1])[:, None] * _FREQUENCIES
    cos, sin = jnp.cos(angle)[None, :, None], jnp.sin(angle)[None, :, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)

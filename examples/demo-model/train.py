"""Trains the demo model on a CPU and writes it as GGUF: ``python train.py demo.gguf`` (about 8 minutes on 2 cores).

Needs jax, optax, tokenizers, gguf and numpy; nothing of Auriga.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import export
import jax
import numpy as np
import optax
from corpus import pairs, render
from network import VOCAB, Params, initial, logits
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

BATCH, WINDOW = 12, 384
"""Rows of a batch, and the tokens of a row."""

Batch = tuple[np.ndarray, np.ndarray]
"""Token ids (BATCH, WINDOW), and the same one token later: what should have come next."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the GGUF file to write")
    parser.add_argument("--steps", type=int, default=1100, help="training steps (700 are nearly enough)")
    options = parser.parse_args()
    tokenizer = train_tokenizer()
    params = train(encode(tokenizer), options.steps)
    export.write(options.out, params, tokenizer)


def train_tokenizer() -> Tokenizer:
    """A byte-level BPE over the corpus, so that every text can be written, if not understood."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=list(export.SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((f"{question}\n{answer}" for question, answer in pairs()), trainer)
    return tokenizer


def encode(tokenizer: Tokenizer) -> list[np.ndarray]:
    """Every conversation of the corpus as token ids."""
    return [np.array(tokenizer.encode(render(*pair)).ids, np.int32) for pair in pairs()]


def draw(conversations: list[np.ndarray], rng: random.Random) -> Batch:
    """Packs whole conversations; a conversation sees only what came before it in its row, as in a chat."""
    rows = np.zeros((BATCH, WINDOW + 1), np.int32)
    for row in rows:
        filled = 0
        while filled <= WINDOW:
            conversation = conversations[rng.randrange(len(conversations))]
            length = min(len(conversation), WINDOW + 1 - filled)
            row[filled : filled + length] = conversation[:length]
            filled += length
    return rows[:, :-1], rows[:, 1:]


def loss(params: Params, inputs: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean cross entropy of the next token, in nats."""
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, inputs), targets).mean()


def optimizer(steps: int) -> optax.GradientTransformation:
    """AdamW under a warm-up and a cosine. The peak rate makes one bump (near step 400), from which it recovers."""
    rate = optax.warmup_cosine_decay_schedule(0, 4e-3, min(100, steps // 4), steps, 1e-4)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))


def train(conversations: list[np.ndarray], steps: int) -> Params:
    """The weights after ``steps``: from a loss of 7.1 to 0.14, which is the guess at the next question."""
    transform = optimizer(steps)

    @jax.jit
    def step(params: Params, state: optax.OptState, inputs: jax.Array, targets: jax.Array) -> tuple:
        value, gradient = jax.value_and_grad(loss)(params, inputs, targets)
        updates, state = transform.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    rng, params = random.Random(1), initial(seed=0)
    state, started = transform.init(params), time.monotonic()
    for number in range(1, steps + 1):
        params, state, value = step(params, state, *draw(conversations, rng))
        if number % 100 == 0 or number == 1:
            print(f"step {number} loss {float(value):.3f} {time.monotonic() - started:.0f} s", flush=True)
    return params


if __name__ == "__main__":
    main()

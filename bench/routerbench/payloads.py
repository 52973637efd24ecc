"""Request bodies, and the pieces of text that every right answer holds; see mock/mock.c for what it reads. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

CHUNKS = 64
"""Events of a stream before `[DONE]`, as the mock sends by default."""

WORDS = ("the", "of", "and", "to", "in", "is", "it", "you", "that", "was", "for", "on", "are", "with")  # fmt: skip
SYSTEM = "You are a helpful assistant. Answer in a few sentences, and say so when you do not know."


def body(prompt: str, *, stream: bool = False) -> str:
    """One chat request as one line of JSON, as an SDK writes it."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
    request: dict[str, object] = {"model": "mock", "messages": messages, "max_tokens": 256, "temperature": 0.7}
    return json.dumps(request | ({"stream": True} if stream else {}))


def small() -> list[str]:
    return [body("What is a role chain, and when does it help?")]


def varied(count: int = 2000) -> list[str]:
    """`count` bodies of different texts and many lengths (0.3-2.3 KB): nothing remembered of one fits the next."""
    rng = random.Random(7)
    lengths = rng.sample(range(20, 20 + count), count)
    return [body(_prose(rng, length)) for length in lengths]


def large(count: int = 8, size: int = 100_000) -> list[str]:
    """Bodies of about `size` bytes: a document with line breaks and quotes, which JSON must escape."""
    rng = random.Random(8)
    return [body(_prose(rng, size)) for _ in range(count)]


def stream() -> list[str]:
    return [body("What is a role chain, and when does it help?", stream=True)]


def messages() -> list[str]:
    """The same, asked for in Anthropic's dialect."""
    turn = {"role": "user", "content": "What is a role chain, and when does it help?"}
    request = {"model": "mock", "max_tokens": 256, "stream": True, "system": SYSTEM, "messages": [turn]}
    return [json.dumps(request)]


def paced(chunks: int, milliseconds: int) -> list[str]:
    """A stream whose events the mock sends `milliseconds` apart."""
    return [body(f"[mock chunks={chunks} pace={milliseconds}] What is a role chain?", stream=True)]


def stream_pieces(chunks: int = CHUNKS, end: str = "data: [DONE]") -> list[str]:
    """What a complete stream holds, in this order."""
    return [*(f"t{number:04d} " for number in range(chunks)), end]


def json_pieces(reference: str) -> list[str]:
    """What a complete answer holds, given the mock's own: the whole text of the message."""
    return [json.loads(reference)["choices"][0]["message"]["content"]]


def has_in_order(text: str, pieces: Sequence[str]) -> bool:
    at = 0
    for piece in pieces:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _prose(rng: random.Random, size: int) -> str:
    """`size` characters: words, and now and then a quotation or a new line."""
    text = ""
    while len(text) < size:
        sentence = " ".join(rng.choices(WORDS, k=rng.randint(6, 18)))
        text += rng.choice((f"{sentence}. ", f"{sentence}.\n", f'"{sentence}", he said. '))
    return text[:size]

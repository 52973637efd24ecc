"""llama-server, which serves the Models that have weights here. Pure.

It speaks both dialects: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from __future__ import annotations

from auriga_router.dialects import COUNTS_TOKENS
from auriga_router.dialects.anthropic import COUNT_TOKENS, MESSAGES
from auriga_router.providers.facts import OPENAI_PATHS, Provider
from auriga_router.translate import Target


def _target(model: str) -> Target:
    return Target(model, echoes_prefill=True, reads_reasoning=True, top_k=True)


LLAMA_SERVER = Provider(
    OPENAI_PATHS | {MESSAGES.path, COUNT_TOKENS.path},
    _target,
    has=frozenset({COUNTS_TOKENS}),
    explains=frozenset({500}),  # that it cannot see pictures, or cannot read a message, is no failure of its
)

"""Gemini, by its OpenAI-compatible endpoint: https://ai.google.dev/gemini-api/docs/openai. Pure.

It takes text, images, tools, JSON schemas, reasoning effort and embeddings, and gives back the signatures of thoughts
that its own dialect has. What only its own dialect has (safety settings, grounding, cached contents) is not translated.
"""

from __future__ import annotations

from auriga_router.dialects.openai import CHAT, EMBEDDINGS
from auriga_router.providers.facts import Provider
from auriga_router.translate import Target


def _target(model: str) -> Target:
    return Target(model, prefill=False, thought_signatures=True)


GEMINI = Provider(
    frozenset({CHAT.path, EMBEDDINGS.path}),
    _target,
    explains=frozenset({429}),  # how long to wait is in the body: https://ai.google.dev/gemini-api/docs/rate-limits
    default_url="https://generativelanguage.googleapis.com/v1beta/openai",
    lacks=frozenset({"completions", "prefill"}),
)

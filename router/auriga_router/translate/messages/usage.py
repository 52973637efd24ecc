"""Usage of messages, and the words for how they end. Pure."""

from __future__ import annotations

from auriga_router.translate.answer import Stop, Usage
from auriga_router.translate.canonical import Json
from auriga_router.translate.numbers import count

STOPS = {
    "end_turn": Stop.END,
    "max_tokens": Stop.LENGTH,
    "stop_sequence": Stop.STOP_SEQUENCE,
    "tool_use": Stop.TOOL_USE,
    "pause_turn": Stop.PAUSE,
    "refusal": Stop.REFUSAL,
    "model_context_window_exceeded": Stop.CONTEXT,
}
STOP_REASONS = {stop: word for word, stop in STOPS.items()}


def read_usage(document: object) -> Usage | None:
    """``usage``. Anthropic counts cached tokens beside ``input_tokens``, the canonical form among them."""
    if not isinstance(document, dict):
        return None
    cached = count(document, "cache_read_input_tokens")
    written = count(document, "cache_creation_input_tokens")
    return Usage(
        input=count(document, "input_tokens") + cached + written,
        cached=cached,
        cache_written=written,
        output=count(document, "output_tokens"),
        reasoning=count(document.get("output_tokens_details"), "thinking_tokens"),
    )


def write_usage(usage: Usage) -> Json:
    """``usage``."""
    document: Json = {
        "input_tokens": max(usage.input - usage.cached - usage.cache_written, 0),
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        document["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return document

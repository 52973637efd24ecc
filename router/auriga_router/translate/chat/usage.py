"""Usage of chat completions, and the words for how they end. Pure."""

from __future__ import annotations

from auriga_router.translate.answer import Stop, Usage
from auriga_router.translate.canonical import Json
from auriga_router.translate.numbers import count

_STOPS = {
    "stop": Stop.END,
    "length": Stop.LENGTH,
    "tool_calls": Stop.TOOL_USE,
    "function_call": Stop.TOOL_USE,
    "content_filter": Stop.REFUSAL,
}
FINISH_REASONS = {
    Stop.END: "stop",
    Stop.LENGTH: "length",
    Stop.STOP_SEQUENCE: "stop",
    Stop.TOOL_USE: "tool_calls",
    Stop.REFUSAL: "content_filter",
    Stop.PAUSE: "stop",
    Stop.CONTEXT: "length",
}


def read_stop(choice: Json) -> tuple[Stop, str | None]:
    """Why it ended, and at which stop sequence: vLLM tells that in ``stop_reason``. Unknown words are an end."""
    stop = _STOPS.get(str(choice.get("finish_reason")), Stop.END)
    sequence = choice.get("stop_reason")
    if stop is Stop.END and isinstance(sequence, str) and sequence:
        return Stop.STOP_SEQUENCE, sequence
    return stop, None


def read_usage(document: object) -> Usage | None:
    """``usage``; None if there is none."""
    if not isinstance(document, dict):
        return None
    prompt = document.get("prompt_tokens_details")
    completion = document.get("completion_tokens_details")
    return Usage(
        input=count(document, "prompt_tokens"),
        cached=count(prompt, "cached_tokens"),
        cache_written=count(prompt, "cache_write_tokens"),
        output=count(document, "completion_tokens"),
        reasoning=count(completion, "reasoning_tokens"),
    )


def write_usage(usage: Usage) -> Json:
    """``usage``."""
    document: Json = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }
    prompt: Json = {"cached_tokens": usage.cached}
    if usage.cache_written:
        prompt["cache_write_tokens"] = usage.cache_written
    document["prompt_tokens_details"] = prompt
    document["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return document

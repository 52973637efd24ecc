"""What a translation must know of the model that it writes for: what each provider's models take and refuse. Pure.

Facts of 2026-11, from the providers' migration guides and error pages. A model that is not known here gets what the
provider's newest take. Which member can answer at all (vision, tools, prefill) is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"(?<![a-z0-9])\d{1,2}(?![0-9])")
_NEWEST = (99, 0)
_ALWAYS_THINKS = re.compile(r"fable|mythos")
_OPENAI_REASONING = re.compile(r"(?:^|/)(?:o\d|gpt-([5-9](?:\.\d+)?|\d\d(?:\.\d+)?))(?!.*chat)")
_OPENAI_PLAIN = re.compile(r"(?:^|/)(?:chatgpt|gpt-(?:3|4)|gpt-audio|gpt-5[\d.]*-chat)")


@dataclass(frozen=True, slots=True)
class Target:
    """The model, and what it takes."""

    model: str
    """What goes into ``model``."""
    default_max_tokens: int = 8192
    """Where the dialect must have a limit and the caller gave none."""
    sampling: bool = True
    """temperature, top_p, top_k."""
    effort: bool = True
    """How much to think, as a word."""
    no_thinking: bool = True
    """May be told not to think."""
    budget: bool = False
    """Anthropic: how much to think, as tokens (models before 4.6)."""
    shows_thoughts: bool = False
    """Anthropic: thoughts come back as text only when asked for (``display``; models from 4.7)."""
    inline_system: bool = False
    """Anthropic: system turns between the others."""
    prefill: bool = True
    """Goes on where a last assistant turn ends."""
    echoes_prefill: bool = False
    """Says that last assistant turn again before it goes on."""
    reads_reasoning: bool = False
    """Chat completions: takes ``reasoning_content`` in earlier turns."""
    openai: bool = False
    """OpenAI's own service: ``max_completion_tokens`` instead of ``max_tokens``, and ``verbosity``."""
    top_k: bool = False
    """Chat completions: takes ``top_k``, which OpenAI's do not have."""
    thought_signatures: bool = False
    """Gemini's: calls in earlier turns must be signed."""
    stream_usage: bool = True
    """Chat completions: knows ``stream_options``."""


def target(provider: str, model: str) -> Target:
    """What this model takes. ``provider`` as in ``Model.spec.external``; anything else is llama-server."""
    if provider == "anthropic":
        return _anthropic(model)
    if provider == "openai":
        return _openai(model)
    if provider == "gemini":
        return Target(model, prefill=False, thought_signatures=True)
    if provider in ("ollama", "openaiCompatible"):
        return Target(model)
    return Target(model, echoes_prefill=True, reads_reasoning=True, top_k=True)


def _openai(model: str) -> Target:
    reasons = _OPENAI_REASONING.search(model)
    version = tuple(int(number) for number in (reasons[1] or "0").split(".")) if reasons else ()
    return Target(
        model,
        sampling=reasons is None,
        effort=_OPENAI_PLAIN.search(model) is None,
        no_thinking=reasons is None or version >= (5, 1),
        prefill=False,
        openai=True,
    )


def _anthropic(model: str) -> Target:
    version = claude_version(model)
    return Target(
        model,
        default_max_tokens=4096 if version < (3, 7) else 8192 if version < (4, 0) else 32_000,
        sampling=version < (4, 7),
        effort=version >= (4, 6),
        no_thinking=version >= (4, 6) and _ALWAYS_THINKS.search(model) is None,
        budget=(3, 7) <= version < (4, 6),
        shows_thoughts=version >= (4, 7),
        inline_system=version >= (4, 8),
        prefill=version < (4, 6),
    )


def claude_version(model: str) -> tuple[int, int]:
    """``claude-opus-4-8`` -> (4, 8), ``claude-3-5-haiku-20241022`` -> (3, 5); a name without numbers is new."""
    numbers = [int(number) for number in _NUMBERS.findall(model)]
    if not numbers:
        return _NEWEST
    return numbers[0], numbers[1] if len(numbers) > 1 else 0

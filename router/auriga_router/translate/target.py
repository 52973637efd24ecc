"""What a translation must know of the model that it writes for. Pure.

The facts are with the providers. Which member can answer at all (vision, tools) is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass


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

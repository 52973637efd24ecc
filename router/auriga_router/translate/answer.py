"""A whole answer in the canonical form, and what every answer ends with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Refusal, Text, ToolCall


class Stop(Enum):
    """Why an answer ended."""

    END = auto()
    """The model had said what it wanted to."""
    LENGTH = auto()
    """``max_tokens`` were used up."""
    STOP_SEQUENCE = auto()
    TOOL_USE = auto()
    """It waits for the results of its calls."""
    REFUSAL = auto()
    """The model, or a filter, will not go on."""
    PAUSE = auto()
    """Anthropic's long turns: send the answer back, and it goes on."""
    CONTEXT = auto()
    """The context window is full."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens."""

    input: int = 0
    """Of the whole prompt, cached or not."""
    cached: int = 0
    """Of ``input``: read from the endpoint's cache."""
    cache_written: int = 0
    """Of ``input``: written to it."""
    output: int = 0
    """Of the whole answer."""
    reasoning: int = 0
    """Of ``output``: thoughts."""


AnswerPart = Text | Refusal | Reasoning | RedactedReasoning | ToolCall


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What an endpoint answered."""

    id: str
    model: str
    created: int
    """Unix seconds; 0 where the dialect does not say."""
    content: tuple[AnswerPart, ...]
    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None
    logprobs: tuple[Json, ...] | None = None
    """OpenAI's ``logprobs.content``, of the text."""


def says_something(answer: Answer) -> bool:
    """Is there anything in it, or at least a reason why there is not?"""
    return answer.stop is not Stop.END or any(_says(part) for part in answer.content)


def _says(part: AnswerPart) -> bool:
    return not isinstance(part, Text | Refusal | Reasoning) or bool(part.text)


def settle(stop: Stop, sequence: str | None, *, called: bool) -> tuple[Stop, str | None]:
    """The reason, and the stop sequence if that was it; made true to what was said.

    Ollama, Gemini and OpenAI itself (for a named tool) say ``stop`` after tool calls
    (https://github.com/googleapis/python-genai/issues/2868), and a client that believed it would never run them.
    """
    if stop is Stop.STOP_SEQUENCE:
        return (stop, sequence) if sequence else (Stop.END, None)
    if stop in (Stop.END, Stop.TOOL_USE):
        return (Stop.TOOL_USE if called else Stop.END), None
    return stop, None


def later(before: Usage | None, after: Usage | None) -> Usage | None:
    """What is known once ``after`` came. Usage is cumulative: it never becomes less, and what is left out stays."""
    if before is None or after is None:
        return after if before is None else before
    return Usage(
        input=max(before.input, after.input),
        cached=max(before.cached, after.cached),
        cache_written=max(before.cache_written, after.cache_written),
        output=max(before.output, after.output),
        reasoning=max(before.reasoning, after.reasoning),
    )

"""The one form that every dialect is translated to and from: a request, and what a conversation is made of.

Its words are nobody's: each dialect's modules say how they map. Values hold prompts, so they have no telling repr.
A part remembers where it stood in the caller's document (``at``), for errors that only show when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from auriga_router.translate.problems import Path

Json = dict[str, Any]
"""A JSON object."""

Role = Literal["system", "user", "assistant"]
Effort = Literal["minimal", "low", "medium", "high", "xhigh", "max"]
EFFORTS: tuple[Effort, ...] = ("minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """Words."""

    text: str
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Image:
    """A picture: base64 ``data`` with its media type, or a ``url``."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    """OpenAI's ``detail``; empty: automatic."""
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A file to read: base64 ``data`` with its media type, a ``url``, or plain ``text``."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    title: str = ""
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Audio:
    """Sound, base64. ``format`` is ``wav`` or ``mp3``."""

    data: str
    format: str
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Reasoning:
    """What a model thought before it spoke. ``signature`` is Anthropic's, and only Anthropic can read it."""

    text: str
    signature: str = ""
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class RedactedReasoning:
    """Thoughts that Anthropic gave encrypted; only Anthropic can read them."""

    data: str
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class Refusal:
    """A model's own words why it will not answer."""

    text: str
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall:
    """A model's call. ``arguments`` is JSON text of an object, as the model wrote it."""

    id: str
    name: str
    arguments: str
    signature: str = ""
    """Gemini's ``thought_signature``; without it Gemini refuses its own call when it comes back."""
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, repr=False)
class ToolResult:
    """What a call came to, in the order text and media were given."""

    call_id: str
    content: tuple[Text | Image | Document, ...]
    is_error: bool = False
    at: Path = field(default=(), compare=False)


Part = Text | Image | Document | Audio | Reasoning | RedactedReasoning | Refusal | ToolCall | ToolResult


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One turn. No two neighbours have the same role: turns of one role are one turn."""

    role: Role
    content: tuple[Part, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Tool:
    """A function that the model may call."""

    name: str
    description: str = ""
    schema: Json = field(default_factory=dict)
    """JSON schema of its arguments; empty: it takes none."""
    strict: bool | None = None
    at: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``auto``: as the model likes; ``any``: at least one; ``none``; ``tool``: the one with this name."""

    mode: Literal["auto", "any", "none", "tool"]
    name: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class OutputFormat:
    """JSON instead of prose: any object, or one that fits ``schema``."""

    schema: Json | None = None
    name: str = "answer"
    description: str = ""
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Thinking:
    """Whether and how much to think. All None: as the endpoint likes."""

    enabled: bool | None = None
    effort: Effort | None = None
    budget: int | None = None
    """Tokens."""


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What a caller asks of a model."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    max_tokens: int | None = None
    """Of the answer, its thoughts included."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    """Alternatives given for each token; None: no logprobs at all."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    output: OutputFormat | None = None
    thinking: Thinking = Thinking()
    verbosity: str | None = None
    user: str | None = None
    """Whom the caller asks for; opaque."""


def join_turns(turns: list[tuple[Role, list[Part]]]) -> tuple[Message, ...]:
    """Turns of one role in a row become one, and empty ones none."""
    joined: list[tuple[Role, list[Part]]] = []
    for role, parts in turns:
        if not parts:
            continue
        if joined and joined[-1][0] == role:
            joined[-1][1].extend(parts)
        else:
            joined.append((role, list(parts)))
    return tuple(Message(role, tuple(parts)) for role, parts in joined)

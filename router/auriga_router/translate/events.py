"""A streamed answer in the canonical form: what decoders give and encoders take. Pure.

A whole stream is: Started, then blocks, then Finished. A block is TextDelta+, RefusalDelta+, ReasoningDelta*
ReasoningSigned?, ReasoningRedacted, or ToolStarted ToolArguments+; blocks never overlap, and one ends where the next
begins, or at BlockEnded. Ping may stand anywhere; Failed is the last event wherever it stands.
Not frozen: a frozen dataclass takes three times as long to make, and one is made for each token.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from auriga_router.translate.answer import Stop, Usage
from auriga_router.translate.canonical import Json
from auriga_router.translate.failure import Failure


@dataclass(slots=True, repr=False)
class Started:
    """The first event. ``created``: Unix seconds, 0 where the dialect does not say."""

    id: str
    model: str
    created: int = 0
    usage: Usage | None = None
    """What is known of it before the answer."""


@dataclass(slots=True, repr=False)
class TextDelta:
    """Words of the answer, never empty."""

    text: str
    logprobs: list[Json] | None = None


@dataclass(slots=True, repr=False)
class ReasoningDelta:
    """Thoughts, never empty."""

    text: str


@dataclass(slots=True, repr=False)
class ReasoningSigned:
    """The signature of the thoughts before it; Anthropic's own."""

    signature: str


@dataclass(slots=True, repr=False)
class ReasoningRedacted:
    """A whole block of encrypted thoughts; Anthropic's own."""

    data: str


@dataclass(slots=True, repr=False)
class RefusalDelta:
    """Words why there is no answer, never empty."""

    text: str


@dataclass(slots=True, repr=False)
class ToolStarted:
    """A call begins."""

    id: str
    name: str
    signature: str = ""


@dataclass(slots=True, repr=False)
class ToolArguments:
    """More of the JSON text of the call that began last, never empty."""

    text: str


@dataclass(slots=True)
class BlockEnded:
    """The block before it is whole."""


@dataclass(slots=True)
class Ping:
    """The endpoint is alive."""


@dataclass(slots=True)
class Finished:
    """The answer is whole."""

    stop: Stop
    stop_sequence: str | None = None
    usage: Usage | None = None
    reasoned: bool = field(default=True, compare=False)
    """The endpoint gave the reason."""


@dataclass(slots=True)
class Failed:
    """There will be no more of it."""

    failure: Failure


Event = (
    Started
    | TextDelta
    | ReasoningDelta
    | ReasoningSigned
    | ReasoningRedacted
    | RefusalDelta
    | ToolStarted
    | ToolArguments
    | BlockEnded
    | Ping
    | Finished
    | Failed
)
CONTENT: frozenset[type] = frozenset({TextDelta, ReasoningDelta, ReasoningRedacted, RefusalDelta, ToolStarted})
"""Events that are something of an answer: the moment to commit to it."""

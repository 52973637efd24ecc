"""A conversation as values: what has been said, and the request that asks for the next answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from auriga_cli.remote.answer import Answer

Message = dict[str, str]
"""``{"role": "user", "content": ...}``"""


@dataclass
class Conversation:
    """A chat with one role."""

    role: str
    options: dict[str, Any] = field(default_factory=dict)
    """``temperature``, ``max_tokens``: what goes into every request."""
    system: str = ""
    messages: list[Message] = field(default_factory=list)

    def request(self, prompt: str) -> dict[str, Any]:
        """The body of a request for the answer to ``prompt``, after all that was said before."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        messages = [*system, *self.messages, {"role": "user", "content": prompt}]
        stream = {"stream": True, "stream_options": {"include_usage": True}}
        return {"model": self.role, "messages": messages, **stream, **self.options}

    def add(self, prompt: str, content: str) -> None:
        """Remembers a turn. One without an answer is left out: most chat templates refuse two questions in a row."""
        if content:
            self.messages += [{"role": "user", "content": prompt}, {"role": "assistant", "content": content}]


def record(answer: Answer) -> dict[str, Any]:
    """An answer as ``--output json`` prints it. Times are milliseconds since the request."""
    rate = answer.tokens_per_second
    return {
        "model": answer.model,
        "requestId": answer.request_id,
        "content": answer.content,
        "reasoning": answer.reasoning,
        "finishReason": answer.finish_reason,
        "tokens": answer.tokens,
        "tokensPerSecond": None if rate is None else round(rate, 1),
        "firstTokenMs": None if answer.first is None else round(answer.first * 1000, 1),
        "totalMs": round(answer.total * 1000, 1),
        "attempts": [attempt._asdict() for attempt in answer.attempts],
    }

"""What must hold between the turns of a conversation, whatever the dialect. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Message, ToolCall, ToolResult
from auriga_router.translate.problems import RequestError


def check(messages: tuple[Message, ...]) -> None:
    """Every tool result answers a call that came before it. Raises RequestError."""
    called: set[str] = set()
    for message in messages:
        for part in message.content:
            if isinstance(part, ToolCall):
                called.add(part.id)
            elif isinstance(part, ToolResult) and part.call_id not in called:
                raise RequestError("is a tool result without its call: no earlier tool call has this id", part.at)

"""An answer that ends with one call of a tool, in each dialect, as ``replies`` reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from support import grammar_chat, grammar_messages, grammar_responses
from support.replies import received
from support.simulation import Client


@dataclass(frozen=True)
class ToldOfCall:
    """A reply with a status of 200."""

    text: str
    arguments: str
    """What has come of them; empty where the call has none yet, or has not begun."""
    error: dict[str, Any] | None
    whole: bool
    """As HTTP."""


def told_of_call(dialect: str, client: Client, *, stream: bool) -> ToldOfCall:
    """The reply, which must have ended."""
    status, body, whole = received(client)
    assert status == 200
    if not stream:
        text, arguments = _ANSWERS[dialect](json.loads(body))
        return ToldOfCall(text, arguments, None, whole)
    text, arguments, error = _STREAMS[dialect](body)
    return ToldOfCall(text, arguments, error, whole)


def _chat(document: dict[str, Any]) -> tuple[str, str]:
    message = document["choices"][0]["message"]
    (call,) = message["tool_calls"]
    return message["content"], call["function"]["arguments"]


def _messages(document: dict[str, Any]) -> tuple[str, str]:
    said, call = document["content"]
    assert document["stop_reason"] == call["type"] == "tool_use"
    return said["text"], json.dumps(call["input"])


def _responses(document: dict[str, Any]) -> tuple[str, str]:
    said, call = document["output"]
    assert call["type"] == "function_call"
    return said["content"][0]["text"], call["arguments"]


def _chat_stream(body: bytes) -> tuple[str, str, dict[str, Any] | None]:
    chat = grammar_chat.read(body)
    choice = chat.choices[0]
    assert chat.error or choice.finish == "tool_calls"
    assert len(choice.calls) <= 1
    return choice.texts["content"], choice.calls[0]["arguments"] if choice.calls else "", chat.error


def _messages_stream(body: bytes) -> tuple[str, str, dict[str, Any] | None]:
    messages = grammar_messages.read(body)
    assert messages.error or messages.stop_reason == "tool_use"
    assert [block["type"] for block in messages.blocks] in (["text"], ["text", "tool_use"])
    said, *calls = [block["text_of_deltas"] for block in messages.blocks]
    return said, "".join(calls), messages.error


def _responses_stream(body: bytes) -> tuple[str, str, dict[str, Any] | None]:
    grammar = grammar_responses.read(body)
    assert grammar.error or grammar.response["status"] == "completed"
    items = [(item["type"], _said(item)) for item in grammar.items]
    if grammar.item is not None:
        items.append((grammar.item["type"], grammar.text))
    assert [kind for kind, _ in items] in (["message"], ["message", "function_call"])
    said, *calls = [text for _, text in items]
    return said, "".join(calls), grammar.error


def _said(item: dict[str, Any]) -> str:
    return str(item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"])


_ANSWERS = {"openai": _chat, "anthropic": _messages, "responses": _responses}
_STREAMS = {"openai": _chat_stream, "anthropic": _messages_stream, "responses": _responses_stream}

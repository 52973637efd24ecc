"""Anthropic's stream of message events, as a grammar.

message_start, (block start, deltas, block stop)*, message_delta+, message_stop     or, from anywhere, an error
ping anywhere
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.grammar_sse import Event, an_object, check, is_count, is_json_object, require, violation_of

_DELTAS = {
    "text_delta": ("text", "text"),
    "input_json_delta": ("tool_use", "partial_json"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
}
"""Type of a delta -> type of its block, and the field with its text."""
_STARTS: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "redacted_thinking": {},
    "tool_use": {"input": {}},
}
_REASONS = {
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
}  # fmt: skip
_ERRORS = {
    "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
    "request_too_large", "rate_limit_error", "timeout_error", "api_error", "overloaded_error",
}  # fmt: skip


class MessagesGrammar:
    """One stream. Afterwards ``blocks``, ``stop_reason``, ``usage`` and ``error`` hold what it said.

    ``any_arguments``: a model may write input that is no JSON.
    """

    def __init__(self, any_arguments: bool = False) -> None:
        self.any_arguments = any_arguments
        self.message: dict[str, Any] | None = None
        self.blocks: list[dict[str, Any]] = []
        self.open = False
        self.stop_reason: str | None = None
        self.stop_sequence: str | None = None
        self.usage: dict[str, Any] = {}
        self.ending = False
        self.stopped = False
        self.error: dict[str, Any] | None = None

    def event(self, event: Event) -> None:
        require(not self.stopped and self.error is None, "an event after the end")
        document = an_object(event)
        kind = document.get("type")
        require(event.name == kind, f"event {event.name!r} holds {kind!r}")
        if kind == "ping":
            return
        if kind == "error":
            self.error = error_object(document)
            return
        require(kind == "message_start" or self.message is not None, f"{kind} before message_start")
        require(kind in _RULES, f"unknown event {kind}")
        _RULES[kind](self, document)

    def end(self) -> None:
        require(self.stopped or self.error, "neither message_stop nor an error")

    def _start(self, document: dict[str, Any]) -> None:
        require(self.message is None, "message_start twice")
        message = document["message"]
        require(message["type"] == "message" and message["role"] == "assistant", "not a message")
        require(message["content"] == [] and message["stop_reason"] is None, "a message that is not empty")
        require(message["id"] and isinstance(message["model"], str), "a message without id or model")
        self._count(message["usage"], "input_tokens", "output_tokens")
        self.message = message

    def _block_start(self, document: dict[str, Any]) -> None:
        block = document["content_block"]
        require(not self.open, "a block begins inside another")
        require(not self.ending, "a block after message_delta")
        require(document["index"] == len(self.blocks), f"block {document['index']} after {len(self.blocks) - 1}")
        require(block["type"] in _STARTS, f"block type {block['type']}")
        for name, value in _STARTS[block["type"]].items():
            require(block.get(name) == value, f"a {block['type']} block must begin with {name} {value!r}")
        if block["type"] == "tool_use":
            require(block["id"] and block["name"], "a tool without id or name")
            require(all(block["id"] != other.get("id") for other in self.blocks), "two tools of one id")
        self.blocks.append(dict(block, text_of_deltas=""))
        self.open = True

    def _block_delta(self, document: dict[str, Any]) -> None:
        require(self.open and document["index"] == len(self.blocks) - 1, "a delta of no open block")
        delta, block = document["delta"], self.blocks[-1]
        require(delta["type"] in _DELTAS, f"delta type {delta['type']}")
        kind, name = _DELTAS[delta["type"]]
        require(block["type"] == kind, f"{delta['type']} in a {block['type']} block")
        require(isinstance(delta[name], str) and delta[name], f"an empty {delta['type']}")
        if name == "signature":
            block["signature"] = delta[name]
        else:
            require(not block.get("signature"), "thoughts after their signature")
            block["text_of_deltas"] += delta[name]

    def _block_stop(self, document: dict[str, Any]) -> None:
        require(self.open and document["index"] == len(self.blocks) - 1, "the end of no open block")
        block = self.blocks[-1]
        require(block["type"] != "text" or block["text_of_deltas"], "an empty text block")
        self.open = False

    def _delta(self, document: dict[str, Any]) -> None:
        require(not self.open, "message_delta inside a block")
        self.ending = True
        self._count(document["usage"], "output_tokens")
        reason = document["delta"].get("stop_reason")
        if reason is not None:
            require(self.stop_reason is None and reason in _REASONS, f"stop_reason {reason}")
            self.stop_reason = reason
            self.stop_sequence = document["delta"].get("stop_sequence")

    def _stop(self, _: dict[str, Any]) -> None:
        require(self.ending and not self.open, "message_stop without message_delta")
        require(self.stop_reason is not None, "no stop_reason")
        require((self.stop_reason == "stop_sequence") == (self.stop_sequence is not None), "stop_sequence")
        calls = [block for block in self.blocks if block["type"] == "tool_use"]
        require(self.stop_reason != "end_turn" or not calls, "end_turn after tool calls: nobody will run them")
        require(self.stop_reason != "tool_use" or calls, "tool_use without any")
        if self.stop_reason == "tool_use" and not self.any_arguments:
            require(all(is_json_object(call["text_of_deltas"] or "{}") for call in calls), "input is no JSON object")
        self.stopped = True

    def _count(self, usage: dict[str, Any], *needed: str) -> None:
        """Usage is cumulative: what is given again does not become less."""
        require(all(is_count(usage.get(name)) for name in needed), f"usage: {usage}")
        for name, value in usage.items():
            if is_count(value):
                require(value >= (self.usage.get(name) or 0) or name == "input_tokens", f"{name} becomes less")
        self.usage |= usage


_RULES = {
    "message_start": MessagesGrammar._start,
    "content_block_start": MessagesGrammar._block_start,
    "content_block_delta": MessagesGrammar._block_delta,
    "content_block_stop": MessagesGrammar._block_stop,
    "message_delta": MessagesGrammar._delta,
    "message_stop": MessagesGrammar._stop,
}


def error_object(document: dict[str, Any]) -> dict[str, Any]:
    """Anthropic's error object."""
    require(document.get("type") == "error", "not an error")
    error = document["error"]
    require(error["type"] in _ERRORS, f"error type {error['type']}")
    require(isinstance(error["message"], str) and error["message"], "no message")
    return dict(error)


def violation(stream: bytes | Iterable[Event]) -> str | None:
    """The first violation."""
    return violation_of(MessagesGrammar(), stream)


def read(stream: bytes | Iterable[Event]) -> MessagesGrammar:
    """What the stream said. Raises GrammarError."""
    grammar = MessagesGrammar()
    check(grammar, stream)
    return grammar

"""OpenAI's stream of chat completion chunks, as a grammar.

role chunk, deltas, one finish_reason a choice, [usage], [DONE]      or, from anywhere, an error and nothing more
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.grammar_sse import Event, an_object, check, is_count, is_json_object, require, violation_of

_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}
_TEXTS = ("content", "refusal", "reasoning_content")


class Choice:
    """One choice as it was received."""

    def __init__(self) -> None:
        self.started = False
        self.texts = dict.fromkeys(_TEXTS, "")
        self.calls: list[dict[str, str]] = []
        self.blocks: list[dict[str, str]] = []
        self.logprobs: list[Any] = []
        self.finish: str | None = None


class ChatGrammar:
    """One stream. Afterwards ``choices``, ``usage`` and ``error`` hold what it said.

    ``any_arguments``: a model may write arguments that are no JSON.
    """

    def __init__(self, any_arguments: bool = False) -> None:
        self.any_arguments = any_arguments
        self.choices: dict[int, Choice] = {}
        self.head: tuple[str, str, int] | None = None
        self.usage: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.done = False

    def event(self, event: Event) -> None:
        require(not self.done and self.error is None, "an event after the end")
        require(not event.name, f"an event name: {event.name}")
        if event.data == "[DONE]":
            self._done()
            return
        chunk = an_object(event)
        if "error" in chunk:
            self.error = error_object(chunk)
            return
        require(chunk.get("object") == "chat.completion.chunk", "not a chunk")
        head = (chunk.get("id"), chunk.get("model"), chunk.get("created"))
        require(
            head[0] and isinstance(head[0], str) and isinstance(head[1], str) and is_count(head[2]), f"head: {head}"
        )
        require(self.head in (None, head), "id, model and created change")
        self.head = head  # type: ignore[assignment]
        self._choices(chunk)

    def end(self) -> None:
        require(self.done or self.error, "neither [DONE] nor an error")

    def _done(self) -> None:
        require(self.choices, "[DONE] before anything was said")
        require(all(choice.finish for choice in self.choices.values()), "[DONE] without finish_reason")
        self.done = True

    def _choices(self, chunk: dict[str, Any]) -> None:
        choices, usage = chunk.get("choices"), chunk.get("usage")
        require(isinstance(choices, list), "no choices")
        if usage is not None:
            require(self.usage is None and choices == [], "usage twice, or beside choices")
            require(all(choice.finish for choice in self.choices.values()), "usage before finish_reason")
            require(usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], f"usage: {usage}")
            self.usage = usage
        else:
            require(choices and self.usage is None, "a chunk that says nothing, or comes after usage")
        for choice in choices:
            self._choice(choice, self.choices.setdefault(choice.get("index"), Choice()))

    def _choice(self, given: dict[str, Any], choice: Choice) -> None:
        require(is_count(given.get("index")), "a choice without index")
        require(choice.finish is None, "a delta after finish_reason")
        delta = given.get("delta")
        require(isinstance(delta, dict), "a choice without delta")
        require(("role" in delta) != choice.started, "the role must be in the first delta, and only there")
        require(delta.get("role", "assistant") == "assistant", f"role {delta.get('role')}")
        choice.started = True
        for name in _TEXTS:
            require(isinstance(delta.get(name), str | None), f"{name} is no string")
            choice.texts[name] += delta.get(name) or ""
        for call in delta.get("tool_calls") or ():
            self._call(call, choice.calls)
        for block in delta.get("thinking_blocks") or ():
            self._block(block, choice.blocks)
        choice.logprobs.extend((given.get("logprobs") or {}).get("content") or ())
        self._finish(given.get("finish_reason"), choice)

    def _call(self, given: dict[str, Any], calls: list[dict[str, str]]) -> None:
        index, function = given.get("index"), given.get("function")
        require(isinstance(function, dict) and isinstance(function.get("arguments"), str), "a call without arguments")
        if index == len(calls):
            require(given.get("id") and given.get("type") == "function" and function.get("name"), "half a call")
            require(given["id"] not in {call["id"] for call in calls}, "two calls of one id")
            calls.append({"id": given["id"], "name": function["name"], "arguments": ""})
        else:
            require(calls and index == len(calls) - 1, f"arguments of call {index} after call {len(calls) - 1}")
            require("id" not in given and "name" not in function, "a call that begins twice")
        calls[-1]["arguments"] += function["arguments"]

    def _block(self, given: dict[str, Any], blocks: list[dict[str, str]]) -> None:
        if given.get("index") == len(blocks):
            require(given.get("type") in ("thinking", "redacted_thinking"), f"block type {given.get('type')}")
            blocks.append({"type": given["type"], "thinking": "", "signature": "", "data": ""})
        require(given.get("index") == len(blocks) - 1, "thinking blocks out of order")
        for name in ("thinking", "signature", "data"):
            blocks[-1][name] += given.get(name, "")

    def _finish(self, reason: str | None, choice: Choice) -> None:
        if reason is None:
            return
        require(reason in _REASONS, f"finish_reason {reason}")
        require(reason != "stop" or not choice.calls, "stop after tool calls: nobody will run them")
        require(reason != "tool_calls" or choice.calls, "tool_calls without any")
        if reason == "tool_calls" and not self.any_arguments:
            require(all(is_json_object(call["arguments"]) for call in choice.calls), "arguments are no JSON object")
        choice.finish = reason


def error_object(document: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's error object."""
    require(document.keys() == {"error"}, f"more than an error: {sorted(document)}")
    error = document["error"]
    require({"message", "type", "code", "param"} <= error.keys(), f"fields are missing: {sorted(error)}")
    require(isinstance(error["message"], str) and error["message"], "no message")
    return dict(error)


def violation(stream: bytes | Iterable[Event]) -> str | None:
    """The first violation."""
    return violation_of(ChatGrammar(), stream)


def read(stream: bytes | Iterable[Event]) -> ChatGrammar:
    """What the stream said. Raises GrammarError."""
    grammar = ChatGrammar()
    check(grammar, stream)
    return grammar

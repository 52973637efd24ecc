"""OpenAI's stream of response events, as a grammar.

created, in_progress, (item added, (part added, deltas, text done, part done)?, item done)*, completed | incomplete
or, from anywhere after created: error, failed
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.grammar_sse import Event, an_object, check, is_json_object, require, violation_of

_DELTAS = {
    "response.output_text.delta": ("message", "output_text", "text"),
    "response.refusal.delta": ("message", "refusal", "refusal"),
    "response.reasoning_text.delta": ("reasoning", "reasoning_text", "text"),
}
"""Event -> type of its item, type of its part, field with the whole text when it is done."""
_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}


class ResponsesGrammar:
    """One stream. Afterwards ``response`` holds the last response object, and ``error`` the error.

    ``any_arguments``: a model may write arguments that are no JSON.
    """

    def __init__(self, any_arguments: bool = False) -> None:
        self.any_arguments = any_arguments
        self.sequence = -1
        self.response: dict[str, Any] = {}
        self.items: list[dict[str, Any]] = []
        self.item: dict[str, Any] | None = None
        self.part: dict[str, Any] | None = None
        self.text = ""
        self.text_done = False
        self.part_done = False
        self.error: dict[str, Any] | None = None
        self.ended = False

    def event(self, event: Event) -> None:
        require(not self.ended, "an event after the end")
        document = an_object(event)
        kind = document.get("type")
        require(event.name == kind, f"event {event.name!r} holds {kind!r}")
        self.sequence += 1
        require(document.get("sequence_number") == self.sequence, f"{kind}: sequence_number")
        first = {0: "response.created", 1: "response.in_progress"}.get(self.sequence)
        require(kind == first if first and kind != "error" else kind not in _FIRST, f"{kind} as event {self.sequence}")
        if kind == "error":
            require(self.error is None and isinstance(document["message"], str) and document["message"], "bad error")
            self.error = document
            return
        require(self.error is None or kind == "response.failed", f"{kind} after an error")
        if kind in _FIRST:
            self.response = document["response"]
            require(self.response["status"] == "in_progress" and self.response["output"] == [], "not a beginning")
        elif kind in _ENDS:
            self._end(document["response"], _ENDS[kind])
        elif kind == "response.output_item.added":
            self._added(document)
        else:
            self._inside(kind, document)

    def end(self) -> None:
        require(self.ended, "no response.completed, incomplete or failed")

    def _added(self, document: dict[str, Any]) -> None:
        item = document["item"]
        require(self.item is None, "an item begins inside another")
        require(document["output_index"] == len(self.items), f"item {document['output_index']}")
        require(item["id"] and item["status"] == "in_progress", "an item without id, or that is done")
        require(item["type"] in ("message", "reasoning", "function_call"), f"item type {item['type']}")
        require(not item.get("content") and not item.get("arguments"), "an item that begins with content")
        require(all(item["id"] != other["id"] for other in self.items), "two items of one id")
        self.item, self.part, self.text, self.text_done, self.part_done = item, None, "", False, False

    def _inside(self, kind: str, document: dict[str, Any]) -> None:
        require(self.item is not None, f"{kind} outside an item")
        assert self.item is not None
        require(document["output_index"] == len(self.items), f"{kind} of another item")
        if kind == "response.output_item.done":
            self._item_done(document["item"])
            return
        require(document["item_id"] == self.item["id"], f"{kind} of another item's id")
        if kind.startswith("response.function_call_arguments."):
            self._arguments(kind, document)
        else:
            require(document["content_index"] == 0, "more than one part")
            self._part(kind, document)

    def _arguments(self, kind: str, document: dict[str, Any]) -> None:
        assert self.item is not None
        require(self.item["type"] == "function_call" and not self.text_done, f"{kind} in {self.item['type']}")
        if kind.endswith(".delta"):
            require(document["delta"], "an empty delta")
            self.text += document["delta"]
        else:
            require(document["arguments"] == self.text, "arguments are not the sum of their deltas")
            self.text_done = True

    def _part(self, kind: str, document: dict[str, Any]) -> None:
        assert self.item is not None
        if kind == "response.content_part.added":
            require(self.part is None, "a second part")
            self.part = document["part"]
            require(not (self.part.get("text") or self.part.get("refusal")), "a part that begins with text")
            return
        require(self.part is not None, f"{kind} without a part")
        assert self.part is not None
        if kind == "response.content_part.done":
            require(self.text_done and not self.part_done, "a part that is done twice, or before its text")
            require(_text(document["part"]) == self.text, "a part is not the sum of its deltas")
            self.part_done = True
            return
        require(kind.removesuffix(".done").removesuffix(".delta") + ".delta" in _DELTAS, f"unknown event {kind}")
        item, part, field = _DELTAS[kind.removesuffix(".done").removesuffix(".delta") + ".delta"]
        require(self.item["type"] == item and self.part["type"] == part, f"{kind} in {self.part['type']}")
        require(not self.text_done, f"{kind} after its end")
        if kind.endswith(".delta"):
            require(document["delta"], "an empty delta")
            self.text += document["delta"]
        else:
            require(document[field] == self.text, "a text is not the sum of its deltas")
            self.text_done = True

    def _item_done(self, item: dict[str, Any]) -> None:
        assert self.item is not None
        require(item["id"] == self.item["id"] and item["type"] == self.item["type"], "another item is done")
        require(item["status"] in ("completed", "incomplete"), f"status {item['status']}")
        require(self.text_done or not self.text, "an item that is done before its text")
        require(self.part_done or self.part is None, "an item that is done before its part")
        if item["type"] == "function_call":
            require(item["arguments"] == self.text, "arguments are not the sum of their deltas")
            whole = item["status"] != "completed" or self.any_arguments or is_json_object(item["arguments"])
            require(whole, "arguments are no JSON object")
        else:
            require("".join(map(_text, item["content"])) == self.text, "an item is not the sum of its deltas")
        self.items.append(item)
        self.item = None

    def _end(self, response: dict[str, Any], status: str) -> None:
        require(response["status"] == status, f"status {response['status']}")
        require(response["id"] == self.response["id"], "another response ends")
        require((status == "failed") == (response["error"] is not None), "error")
        require((status == "incomplete") == (response["incomplete_details"] is not None), "incomplete_details")
        if status != "failed":
            require(self.item is None, "the end inside an item")
            require(response["output"] == self.items, "output is not the items that were streamed")
        self.response = response
        self.ended = True


_FIRST = ("response.created", "response.in_progress")


def _text(part: dict[str, Any]) -> str:
    return str(part["refusal"] if part["type"] == "refusal" else part["text"])


def violation(stream: bytes | Iterable[Event]) -> str | None:
    """The first violation."""
    return violation_of(ResponsesGrammar(), stream)


def read(stream: bytes | Iterable[Event]) -> ResponsesGrammar:
    """What the stream said. Raises GrammarError."""
    grammar = ResponsesGrammar()
    check(grammar, stream)
    return grammar

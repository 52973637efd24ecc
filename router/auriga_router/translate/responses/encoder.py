"""Canonical events -> the stream of a response. Pure.

Its last events repeat the whole answer, so this encoder holds it: that is the dialect's price, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from auriga_router.translate.answer import Usage, later
from auriga_router.translate.canonical import Json
from auriga_router.translate.chat.errors import code_of
from auriga_router.translate.events import (
    BlockEnded,
    Event,
    Finished,
    ReasoningDelta,
    ReasoningRedacted,
    ReasoningSigned,
    RefusalDelta,
    Started,
    TextDelta,
    ToolArguments,
    ToolStarted,
)
from auriga_router.translate.failure import Failure
from auriga_router.translate.reply import Identity, Reply
from auriga_router.translate.responses.echo import ending, last_status, response_object
from auriga_router.translate.responses.errors import response_error
from auriga_router.translate.responses.open_item import CALL, REASONING, REDACTED, REFUSAL, TEXT, OpenItem

LONGEST_ANSWER = 32 * 1024 * 1024
"""Characters that are held."""
_DELTA = b'event: %s\ndata: {"type":"%s","sequence_number":%d,"item_id":"%s","output_index":%d,%s"delta":%s%s}\n\n'
_CONTENT = b'"content_index":0,'
_STREAMED = {  # event, and what else stands in it
    TEXT: (b"response.output_text.delta", _CONTENT),
    REFUSAL: (b"response.refusal.delta", _CONTENT),
    REASONING: (b"response.reasoning_text.delta", _CONTENT),
    CALL: (b"response.function_call_arguments.delta", b""),
}
_DONE = {
    TEXT: ("response.output_text.done", "text"),
    REFUSAL: ("response.refusal.done", "refusal"),
    REASONING: ("response.reasoning_text.done", "text"),
    CALL: ("response.function_call_arguments.done", "arguments"),
}


class ResponsesEncoder:
    """One stream to one client, even where it comes from several endpoints in turn."""

    __slots__ = (
        "_bare", "_given", "_held", "_identity", "_item", "_item_id", "_output", "_reply", "_sequence", "_usage",
        "too_long",
    )  # fmt: skip

    def __init__(self, identity: Identity, reply: Reply) -> None:
        self._identity = identity
        self._reply = reply
        self._given: Started | None = None
        self._bare = ""
        self._sequence = -1
        self._output: list[Json] = []
        """Items that are whole."""
        self._item: OpenItem | None = None
        self._item_id = b""
        self._held = 0
        self._usage: Usage | None = None
        self.too_long = False
        """More than can be held: the stream must fail."""

    def encode(self, events: Iterable[Event]) -> bytes:
        """What to send for these events. Failed is not for here: see ``fail``."""
        return b"".join([_WRITE[type(event)](self, event) for event in events if type(event) in _WRITE])

    def fail(self, failure: Failure) -> bytes:
        """The events after which there is nothing more."""
        started = b"" if self._given else self._start(Started("", ""))
        error = {"type": "error", "code": code_of(failure), "message": failure.message, "param": failure.param}
        told = started + self._event(error)
        output = [*self._output, self._item.item("incomplete")] if self._item else self._output
        failed = self._response(output, "failed") | {"error": response_error(failure)}
        return told + self._event({"type": "response.failed", "response": failed})

    def _event(self, document: Json) -> bytes:
        self._sequence += 1
        document["sequence_number"] = self._sequence
        return b"event: %s\ndata: %s\n\n" % (document["type"].encode(), orjson.dumps(document))

    def _response(self, output: list[Json], status: str) -> Json:
        given = self._given or Started("", "")
        return response_object(self._identity, given, self._reply, output, status)

    def _start(self, event: Started) -> bytes:
        self._usage = later(self._usage, event.usage)
        if self._given is not None:
            return b""
        self._given = event
        self._bare = self._identity.bare_id(event.id)
        response = self._response([], "in_progress")
        created = self._event({"type": "response.created", "response": response})
        return created + self._event({"type": "response.in_progress", "response": response})

    def _text(self, event: TextDelta) -> bytes:
        opened, item = self._open(TEXT)
        logprobs = (event.logprobs or []) if self._reply.logprobs else []
        item.logprobs.extend(logprobs)
        rest = b',"logprobs":%s' % orjson.dumps(logprobs) if logprobs else b',"logprobs":[]'
        return opened + self._delta(item, event.text, rest)

    def _refusal(self, event: RefusalDelta) -> bytes:
        opened, item = self._open(REFUSAL)
        return opened + self._delta(item, event.text)

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        opened, item = self._open(REASONING)
        return opened + self._delta(item, event.text)

    def _signed(self, event: ReasoningSigned) -> bytes:
        if not self._reply.encrypted_reasoning:
            return b""
        opened, item = self._open(REASONING)
        item.signature = event.signature
        return opened

    def _redacted(self, event: ReasoningRedacted) -> bytes:
        if not self._reply.encrypted_reasoning:
            return b""
        opened, item = self._open(REDACTED)
        item.pieces.append(event.data)
        item.ended = True
        return opened

    def _tool(self, event: ToolStarted) -> bytes:
        return self._open(CALL, (event.id, event.name, event.signature))[0]

    def _arguments(self, event: ToolArguments) -> bytes:
        return b"" if self._item is None else self._delta(self._item, event.text)

    def _open(self, kind: str, call: tuple[str, str, str] = ("", "", "")) -> tuple[bytes, OpenItem]:
        """The item for a delta of this kind: the open one, or a new one."""
        item = self._item
        if item is not None and item.kind == kind and not item.ended and kind != CALL:
            return b"", item
        closed = self._close("completed")
        item = self._item = OpenItem(kind, len(self._output), self._bare, call)
        self._item_id = item.id.encode()
        added = {"output_index": item.index, "item": item.item("in_progress", begun=True)}
        return closed + self._event({"type": "response.output_item.added"} | added), item

    def _delta(self, item: OpenItem, text: str, rest: bytes = b"") -> bytes:
        opened = b""
        if not item.pieces and item.kind != CALL:
            opened = self._event({"type": "response.content_part.added"} | self._place(item, item.part(begun=True)))
        item.pieces.append(text)
        self._held += len(text)
        self.too_long = self._held > LONGEST_ANSWER
        self._sequence += 1
        name, where = _STREAMED[item.kind]
        return opened + _DELTA % (
            name, name, self._sequence, self._item_id, item.index, where, orjson.dumps(text), rest,
        )  # fmt: skip

    def _place(self, item: OpenItem, part: Json) -> Json:
        return {"item_id": item.id, "output_index": item.index, "content_index": 0, "part": part}

    def _close(self, status: str) -> bytes:
        item, self._item = self._item, None
        if item is None:
            return b""
        told = self._done(item) if item.pieces and item.kind in _DONE else b""
        whole = item.item(status)
        self._output.append(whole)
        return told + self._event({"type": "response.output_item.done", "output_index": item.index, "item": whole})

    def _done(self, item: OpenItem) -> bytes:
        name, field = _DONE[item.kind]
        done: Json = {"type": name, "item_id": item.id, "output_index": item.index, field: item.text}
        if item.kind == CALL:
            return self._event(done)
        done["content_index"] = 0
        if item.kind == TEXT:
            done["logprobs"] = item.logprobs
        return self._event(done) + self._event({"type": "response.content_part.done"} | self._place(item, item.part()))

    def _end(self, _: BlockEnded) -> bytes:
        if self._item is not None:
            self._item.ended = True
        return b""

    def _finish(self, event: Finished) -> bytes:
        closed = self._close(last_status(event.stop))
        response = self._response(self._output, "completed") | ending(event.stop, later(self._usage, event.usage))
        return closed + self._event({"type": f"response.{response['status']}", "response": response})


_WRITE: dict[type, Callable[[ResponsesEncoder, Any], bytes]] = {
    TextDelta: ResponsesEncoder._text,
    RefusalDelta: ResponsesEncoder._refusal,
    ReasoningDelta: ResponsesEncoder._reasoning,
    ReasoningSigned: ResponsesEncoder._signed,
    ReasoningRedacted: ResponsesEncoder._redacted,
    ToolStarted: ResponsesEncoder._tool,
    ToolArguments: ResponsesEncoder._arguments,
    BlockEnded: ResponsesEncoder._end,
    Started: ResponsesEncoder._start,
    Finished: ResponsesEncoder._finish,
}

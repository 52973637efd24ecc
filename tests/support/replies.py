"""What a caller sends and gets in the world of ``simulation``, in each dialect; read by strict parsers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import h11

from support import grammar_chat, grammar_messages, grammar_responses
from support.simulation import Client
from support.simulation_answers import TURN

PATHS = {"openai": b"/v1/chat/completions", "anthropic": b"/v1/messages", "plain": b"/v1/completions"}
TRANSLATED = {"responses": b"/v1/responses"}
"""Always translated."""


@dataclass(frozen=True)
class Told:
    """A reply."""

    status: int
    text: str
    error: dict[str, Any] | None
    whole: bool
    """As HTTP: with its last chunk, or as long as it said."""
    usage: tuple[int, int] | None = None
    """Tokens of prompt and answer, where they are told."""


def body_for(dialect: str, name: str, *, stream: bool, about: str = "count") -> dict[str, Any]:
    """A request that asks the world's Models to count."""
    if dialect == "plain":
        return {"model": name, "stream": stream, "prompt": f"{about} {TURN}", "max_tokens": 100}
    if dialect == "responses":
        return {"model": name, "stream": stream, "input": about}
    more = {"max_tokens": 100} if dialect == "anthropic" else {}
    return {"model": name, "stream": stream, "messages": [{"role": "user", "content": about}], **more}


def told(dialect: str, client: Client, *, stream: bool) -> Told:
    """The reply, which must have ended. ``stream``: read what came with a 200 as a stream."""
    assert client.whole is not None
    status, body, whole = received(client)
    if status != 200 or not stream:
        document = json.loads(body)
        text = "" if status != 200 else _text(dialect, document)
        return Told(status, text, document.get("error"), whole, _counted(document.get("usage")))
    text, error, usage = _said(dialect, body)
    assert whole is (error is None)
    return Told(status, text, error, whole, _counted(usage))


def _counted(usage: dict[str, int] | None) -> tuple[int, int] | None:
    if not usage:
        return None
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"], usage["completion_tokens"]
    return usage["input_tokens"], usage["output_tokens"]


def received(client: Client) -> tuple[int, bytes, bool]:
    """Status, body, and whether the message is whole."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "auriga")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(client.received)
    status, body = 0, b""
    while (part := parser.next_event()) is not h11.NEED_DATA:
        if isinstance(part, h11.Response):
            status = part.status_code
        elif isinstance(part, h11.Data):
            body += bytes(part.data)
        else:
            return status, body, True
    return status, body, False


_Said = tuple[str, dict[str, Any] | None, dict[str, int] | None]
"""Text, error and usage of a stream."""


def _said(dialect: str, body: bytes) -> _Said:
    if dialect == "openai":
        chat = grammar_chat.read(body)
        return chat.choices[0].texts["content"] if chat.choices else "", chat.error, chat.usage
    if dialect == "plain":
        return _said_plainly(body)
    if dialect == "responses":
        return _said_in_response(body)
    messages = grammar_messages.read(body)
    return "".join(block["text_of_deltas"] for block in messages.blocks), messages.error, messages.usage


def _said_plainly(body: bytes) -> _Said:
    events = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event and not event.startswith(b":")]
    whole = events[-1] == b"[DONE]"
    error = None if whole else json.loads(events[-1])["error"]
    chunks = [json.loads(event) for event in events[:-1]]
    assert len({(chunk["id"], chunk["object"]) for chunk in chunks}) <= 1
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]]
    assert [reason for reason in reasons if reason] == (["stop"] if whole else [])
    usages = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
    assert len(usages) <= 1
    text = "".join(choice["text"] for chunk in chunks for choice in chunk["choices"])
    return text, error, usages[0] if usages else None


def _said_in_response(body: bytes) -> _Said:
    grammar = grammar_responses.read(body)
    assert (grammar.error is None) is (grammar.response["status"] == "completed")
    whole = "".join(part["text"] for item in grammar.items for part in item["content"])
    text = whole + (grammar.text if grammar.item is not None else "")
    return text, grammar.error, grammar.response["usage"]


def _text(dialect: str, document: dict[str, Any]) -> str:
    """Of an answer that is not streamed."""
    if dialect == "anthropic":
        return str(document["content"][0]["text"])
    if dialect == "responses":
        return str(document["output"][0]["content"][0]["text"])
    choice = document["choices"][0]
    return str(choice["text"] if dialect == "plain" else choice["message"]["content"])

"""Answers as endpoints would send them, whole and streamed: written by other rules than the router's own encoders.

``styles`` of a chat completion stream: the ways in which real servers cut and merge what they say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from auriga_router.translate.answer import Answer, Stop, Usage
from auriga_router.translate.canonical import Reasoning, RedactedReasoning, Refusal, Text, ToolCall

Json = dict[str, Any]
Cut = Callable[[str], list[str]]
"""Cuts a text into pieces, none of them empty."""

_FINISH = {Stop.END: "stop", Stop.LENGTH: "length", Stop.TOOL_USE: "tool_calls", Stop.REFUSAL: "content_filter"}
_STOP_REASON = {
    Stop.END: "end_turn", Stop.LENGTH: "max_tokens", Stop.TOOL_USE: "tool_use", Stop.REFUSAL: "refusal",
    Stop.STOP_SEQUENCE: "stop_sequence", Stop.PAUSE: "pause_turn", Stop.CONTEXT: "model_context_window_exceeded",
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a chat server streams."""

    reasoning: str = "reasoning_content"
    whole_calls: bool = False
    """Gemini, Ollama: each call in one chunk."""
    names_first: bool = False
    """All calls begin before any has arguments."""
    one_index: bool = False
    """Gemini: every call has index 0 (with ``whole_calls``)."""
    text_with_call: bool = False
    """The last words come in the chunk of the first call."""
    always_stop: bool = False
    """``stop`` even after tool calls."""
    finish_everywhere: bool = False
    """Gemini: every chunk has a finish_reason."""
    usage_with_finish: bool = False
    done: bool = True
    newline: str = "\n"


STYLES = (
    Style(),
    Style(reasoning="reasoning", whole_calls=True, usage_with_finish=True),
    Style(whole_calls=True, one_index=True, always_stop=True, finish_everywhere=True, newline="\r\n"),
    Style(names_first=True, text_with_call=True),
    Style(text_with_call=True, always_stop=True, done=False),
)


def chat_usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_written},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def chat_whole(answer: Answer, style: Style = STYLES[0]) -> bytes:
    """The answer of a server that does not stream. Its parts are in the order of ``chat_answers``."""
    message: Json = {"role": "assistant", "content": None}
    for part in answer.content:
        if isinstance(part, Text):
            message["content"] = part.text
        elif isinstance(part, Reasoning):
            message[style.reasoning] = part.text
        elif isinstance(part, Refusal):
            message["refusal"] = part.text
    calls = [_call(part, part.arguments) for part in answer.content if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = calls
    finish = "stop" if style.always_stop and answer.stop is Stop.TOOL_USE else _FINISH[answer.stop]
    document = _head(answer, "chat.completion") | {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}]
    }
    if answer.usage is not None:
        document["usage"] = chat_usage(answer.usage)
    return json.dumps(document).encode()


def chat_stream(answer: Answer, style: Style, cut: Cut) -> bytes:
    """The same answer, streamed."""
    finish = "stop" if style.always_stop and answer.stop is Stop.TOOL_USE else _FINISH[answer.stop]
    chunks: list[Json] = []
    for delta in _deltas(answer, style, cut):
        choice = {"index": 0, "delta": delta, "finish_reason": "stop" if style.finish_everywhere else None}
        chunks.append({"choices": [choice]})
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if answer.usage is not None and style.usage_with_finish:
        chunks[-1]["usage"] = chat_usage(answer.usage)
    elif answer.usage is not None:
        chunks.append({"choices": [], "usage": chat_usage(answer.usage)})
    head = _head(answer, "chat.completion.chunk")
    lines = [f"data: {json.dumps(head | chunk, ensure_ascii=False)}" for chunk in chunks]
    lines += ["data: [DONE]"] if style.done else []
    return "".join(line + 2 * style.newline for line in lines).encode()


def _head(answer: Answer, kind: str) -> Json:
    return {"id": answer.id, "object": kind, "created": answer.created, "model": answer.model}


def _deltas(answer: Answer, style: Style, cut: Cut) -> Iterator[Json]:
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    for part in answer.content:
        if isinstance(part, Text | Refusal | Reasoning):
            name = (
                style.reasoning if isinstance(part, Reasoning) else "content" if isinstance(part, Text) else "refusal"
            )
            deltas.extend({name: piece} for piece in cut(part.text))
    calls = list(_call_deltas([part for part in answer.content if isinstance(part, ToolCall)], style, cut))
    if style.text_with_call and calls and deltas[-1].keys() == {"content"}:
        calls[0] = deltas.pop() | calls[0]
    yield from deltas
    yield from calls


def _call_deltas(calls: list[ToolCall], style: Style, cut: Cut) -> Iterator[Json]:
    if style.names_first and calls:
        yield {"tool_calls": [{"index": index, **_call(call, "")} for index, call in enumerate(calls)]}
    for index, call in enumerate(calls):
        if style.whole_calls:
            number = {} if style.one_index and index % 2 else {"index": 0 if style.one_index else index}
            yield {"tool_calls": [number | _call(call, call.arguments)]}
            continue
        if not style.names_first:
            yield {"tool_calls": [{"index": index, **_call(call, "")}]}
        for piece in cut(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _call(call: ToolCall, arguments: str) -> Json:
    written: Json = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
    if call.signature:
        written["extra_content"] = {"google": {"thought_signature": call.signature}}
    return written


def messages_usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input - usage.cached - usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_written,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def messages_whole(answer: Answer) -> bytes:
    """The answer of Anthropic, whole."""
    content = [block | field for block, field, _ in map(_block, answer.content)]
    usage = messages_usage(answer.usage or Usage())
    stop = {"stop_reason": _STOP_REASON[answer.stop], "stop_sequence": answer.stop_sequence}
    return json.dumps(_message(answer) | {"content": content, "usage": usage} | stop).encode()


def messages_stream(answer: Answer, cut: Cut) -> bytes:
    """The same answer, streamed, with pings."""
    usage = messages_usage(answer.usage or Usage())
    started = _message(answer) | {"content": [], "stop_reason": None, "stop_sequence": None}
    first = {"output_tokens": min(1, usage["output_tokens"])}
    events: list[Json] = [
        {"type": "message_start", "message": started | {"usage": usage | first}},
        {"type": "ping"},
    ]
    for index, part in enumerate(answer.content):
        block, _, deltas = _block(part)
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        for kind, name, text in deltas:
            pieces = [text] if kind == "signature_delta" else cut(text)
            made = [{"type": kind, name: piece} for piece in pieces]
            events.extend({"type": "content_block_delta", "index": index, "delta": delta} for delta in made)
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": _STOP_REASON[answer.stop], "stop_sequence": answer.stop_sequence}
    last = {"output_tokens": usage["output_tokens"], "output_tokens_details": usage["output_tokens_details"]}
    events.append({"type": "message_delta", "delta": stop, "usage": last})
    events.append({"type": "message_stop"})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def _message(answer: Answer) -> Json:
    return {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model}


def _block(part: object) -> tuple[Json, Json, list[tuple[str, str, str]]]:
    """The block as it starts, what it holds when it is whole, and the deltas between."""
    if isinstance(part, Reasoning):
        start = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [("thinking_delta", "thinking", part.text), ("signature_delta", "signature", part.signature)]
        return start, {"thinking": part.text, "signature": part.signature}, [delta for delta in deltas if delta[2]]
    if isinstance(part, RedactedReasoning):
        return {"type": "redacted_thinking", "data": part.data}, {}, []
    if isinstance(part, ToolCall):
        start = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        given = json.loads(part.arguments)
        return start, {"input": given}, [("input_json_delta", "partial_json", part.arguments)] if given else []
    assert isinstance(part, Text)
    return {"type": "text", "text": ""}, {"text": part.text}, [("text_delta", "text", part.text)]

"""Whatever comes, a translation raises nothing but its own named errors, and a stream nothing at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_router.translate import (
    AnswerError,
    Identity,
    Reply,
    RequestError,
    Target,
    Translation,
    Wire,
    decoder,
    encoder,
    read_answer,
    read_failure,
    read_request,
    write_answer,
    write_failure,
    write_request,
    write_request_error,
)
from auriga_router.translate.estimate import estimate
from support import grammar_chat, grammar_messages
from support.grammar_chat import ChatGrammar
from support.grammar_messages import MessagesGrammar
from support.grammar_responses import ResponsesGrammar
from support.grammar_sse import check
from support.recorded import RECORDINGS, Recording
from support.translate_requests import RICH_REQUESTS
from support.translate_strategies import pieces, requests, values

IDENTITY = Identity("req-7", 1_795_000_000)
GRAMMARS: dict[Wire, Any] = {Wire.CHAT: ChatGrammar, Wire.MESSAGES: MessagesGrammar, Wire.RESPONSES: ResponsesGrammar}
SOURCES = st.sampled_from([Wire.CHAT, Wire.MESSAGES])
KEYS = sorted({
    "model", "messages", "role", "content", "type", "text", "tool_calls", "function", "name", "arguments", "id", "index",
    "tools", "tool_choice", "input", "input_schema", "parameters", "output", "call_id", "tool_use_id", "tool_call_id",
    "source", "data", "media_type", "url", "image_url", "system", "instructions", "max_tokens", "stop", "response_format",
    "json_schema", "schema", "thinking", "signature", "reasoning", "reasoning_content", "thinking_blocks", "summary",
    "choices", "delta", "message", "finish_reason", "usage", "prompt_tokens", "logprobs", "top_logprobs", "token",
    "logprob", "bytes", "extra_content", "google", "thought_signature", "stop_reason", "content_block", "error", "code",
    "object", "metadata", "include", "format", "output_config", "effort", "budget_tokens", "file", "file_data", "title",
    "stream", "temperature", "is_error", "encrypted_content", "refusal", "partial_json", "created", "prompt_tokens_details",
})  # fmt: skip
WORDS = [
    "user", "assistant", "system", "tool", "text", "image", "image_url", "tool_use", "tool_result", "function", "thinking",
    "message", "function_call", "function_call_output", "reasoning", "input_text", "document", "base64", "url", "auto",
    "any", "json_schema", "message_start", "content_block_start", "content_block_delta", "content_block_stop", "text_delta",
    "message_delta", "message_stop", "input_json_delta", "stop", "tool_calls", "end_turn", "error", "file", "enabled",
    "data:image/png;base64,AAAA", "{}", '{"a":1}', "redacted_thinking", "search_result", "content", "custom",
]  # fmt: skip
leaves = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers(-5, 2**53) | st.floats(allow_nan=False)
likely = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)
"""JSON that looks like a dialect's without being it."""

ODD: tuple[Any, ...] = (None, True, -1, 1.5, "", "x", "tool", [], [[]], [{}], ["x"], {}, {"type": []}, {"type": "text"})


def asked(wire: Wire, body: bytes) -> None:
    try:
        read = read_request(wire, body)
        estimate(read.request)
        for target in (Wire.CHAT, Wire.MESSAGES):
            write_request(target, read.request, Target("m", thought_signatures=True))
    except RequestError as error:
        for told in Wire:
            json.loads(write_request_error(told, error).body)


def answered(wire: Wire, body: bytes) -> None:
    for told in Wire:
        try:
            write_answer(told, read_answer(wire, body, IDENTITY), IDENTITY, Reply(logprobs=True))
        except AnswerError as error:
            assert error.message  # noqa: PT017 - garbage may be translated, or refused: both are right


def streamed(wire: Wire, chunks: list[bytes]) -> None:
    for told in Wire:
        stream = Translation(decoder(wire, IDENTITY), encoder(told, IDENTITY, Reply(logprobs=True, stream_usage=True)))
        out = b"".join([stream.feed(chunk) for chunk in chunks]) + stream.end()
        assert stream.finished == (stream.failure is None)
        if stream.failure is not None:
            out += stream.fail(stream.failure)
        check(GRAMMARS[told](any_arguments=True), out)


@given(wire=st.sampled_from(Wire), document=likely | values)
def test_any_json_as_a_request(wire: Wire, document: Any) -> None:
    asked(wire, json.dumps(document).encode())


@given(wire=st.sampled_from(Wire), body=st.binary(max_size=200))
def test_any_bytes_as_a_request(wire: Wire, body: bytes) -> None:
    asked(wire, body)


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in it."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *[found for key, value in items for found in places(value, (*path, key))]]


def put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value there."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = put(copy[path[0]], path[1:], value)
    return copy


@given(wire=SOURCES, request=requests(), data=st.data())
def test_a_request_with_something_else_in_it(wire: Wire, request: Any, data: st.DataObject) -> None:
    document = json.loads(write_request(wire, request, Target("m")).body)
    path = data.draw(st.sampled_from(places(document)))
    asked(wire, json.dumps(put(document, path, data.draw(likely))).encode())


@pytest.mark.parametrize("wire", Wire)
def test_a_request_with_anything_anywhere(wire: Wire) -> None:
    document = RICH_REQUESTS[wire]
    asked(wire, json.dumps(document).encode())
    for path in places(document):
        for value in ODD:
            asked(wire, json.dumps(put(document, path, value)).encode())


@given(wire=SOURCES, document=likely)
def test_any_json_as_an_answer(wire: Wire, document: Any) -> None:
    answered(wire, json.dumps(document).encode())


@given(wire=SOURCES, message=likely, reason=leaves)
def test_any_message_as_an_answer(wire: Wire, message: Any, reason: Any) -> None:
    answered(wire, json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode())
    answered(wire, json.dumps({"type": "message", "content": [message, message], "stop_reason": reason}).encode())


@given(wire=SOURCES, body=st.binary(max_size=300))
def test_any_bytes_as_a_stream(wire: Wire, body: bytes) -> None:
    streamed(wire, [body])


@given(wire=SOURCES, documents=st.lists(likely, max_size=5), data=st.data())
def test_any_json_as_a_stream(wire: Wire, documents: list[Any], data: st.DataObject) -> None:
    body = b"".join(b"data: %s\n\n" % json.dumps(document).encode() for document in documents)
    streamed(wire, pieces(data, body))


@given(deltas=st.lists(likely, max_size=5), ending=st.sampled_from([b"", b"data: [DONE]\n\n"]))
def test_any_delta_in_a_chat_stream(deltas: list[Any], ending: bytes) -> None:
    chunks = [{"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    streamed(Wire.CHAT, [b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks] + [ending])


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_a_stream_with_anything_anywhere(recording: Recording) -> None:
    lines = recording.body.split(b"\n")
    for number, line in enumerate(lines):
        if not line.startswith(b"data: {"):
            continue
        document = json.loads(line[6:])
        for path in places(document):
            for value in ODD:
                changed = b"data: " + json.dumps(put(document, path, value)).encode()
                streamed(recording.wire, [b"\n".join([*lines[:number], changed, *lines[number + 1 :]])])


@given(data=st.data(), recording=st.sampled_from(RECORDINGS))
def test_a_stream_with_something_else_in_it(data: st.DataObject, recording: Any) -> None:
    lines = recording.body.split(b"\n")
    number = data.draw(st.sampled_from([place for place, line in enumerate(lines) if line.startswith(b"data: {")]))
    document = json.loads(lines[number][6:])
    path = data.draw(st.sampled_from(places(document)))
    lines[number] = b"data: " + json.dumps(put(document, path, data.draw(likely))).encode()
    streamed(recording.wire, [b"\n".join(lines)])


@given(status=st.integers(0, 999), body=st.binary(max_size=100) | likely.map(lambda value: json.dumps(value).encode()))
def test_any_error_response(status: int, body: bytes) -> None:
    failure = read_failure(status, body)
    for told in Wire:
        error = write_failure(told, failure)
        assert 400 <= error.status < 600
        document = json.loads(error.body)
        (grammar_messages if told is Wire.MESSAGES else grammar_chat).error_object(document)


@pytest.mark.parametrize("wire", Wire)
@pytest.mark.parametrize("depth", [100, 400, 5000])
def test_what_is_nested_deeply(wire: Wire, depth: int) -> None:
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    blocks = b'{"type":"document","source":{"type":"content","content":[' * depth + b"]}}" * depth
    asks = b'{"model":"m","max_tokens":1,"input":"x","messages":[{"role":"user","content":"x"}]'
    tool = asks + b',"tools":[{"name":"f","type":%s}]}'
    asked(
        wire,
        tool.replace(b"%s", b'"function","parameters":%s,"function":{"name":"f","parameters":%s}' % (nested, nested)),
    )
    asked(wire, tool.replace(b"%s", b'"custom","input_schema":' + nested))
    asked(wire, b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[%s]}]}' % blocks)
    if wire is not Wire.RESPONSES:
        call = b'{"id":"t","name":"f","type":"tool_use","input":%s}' % nested
        answered(wire, b'{"type":"message","content":[%s]}' % call)
        arguments = json.dumps(nested.decode()).encode()
        answered(
            wire, b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":%s}}]}}]}' % arguments
        )
        answered(wire, b'{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":%s}}]}}]}' % nested)

"""A streamed answer says what the whole one says, in every dialect, however it is cut."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from auriga_router.translate import (
    Failure,
    Identity,
    Kind,
    Reply,
    Tape,
    Translation,
    Wire,
    decoder,
    encoder,
    read_answer,
    write_answer,
)
from auriga_router.translate.answer import Answer
from auriga_router.translate.canonical import Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from auriga_router.translate.fold import Fold, unfold
from support import grammar_chat, grammar_messages, grammar_responses
from support.translate_servers import STYLES, Style, chat_stream, chat_whole, messages_stream, messages_whole
from support.translate_strategies import chat_answers, cuts, messages_answers, pieces

IDENTITY = Identity("req-7", 1_795_000_000)
REPLY = Reply(stream_usage=True, encrypted_reasoning=True)
GRAMMARS = {Wire.CHAT: grammar_chat, Wire.MESSAGES: grammar_messages, Wire.RESPONSES: grammar_responses}


def translated(source: Wire, target: Wire, chunks: list[bytes]) -> bytes:
    """The whole stream, as a caller gets it."""
    stream = Translation(decoder(source, IDENTITY), encoder(target, IDENTITY, REPLY))
    out = b"".join([stream.feed(chunk) for chunk in chunks]) + stream.end()
    assert stream.failure is None
    assert stream.finished
    return out


def folded(source: Wire, body: bytes) -> Answer:
    fold = Fold()
    reader = decoder(source, IDENTITY)
    fold.feed(reader.feed(body))
    fold.feed(reader.end())
    assert fold.failure is None
    return fold.answer()


def in_chat(body: bytes) -> dict[str, Any]:
    """What a chat client has at the end of a stream, in the shape of a message."""
    stream = grammar_chat.read(body)
    choice = stream.choices[0]
    return {
        "head": stream.head,
        "texts": choice.texts,
        "calls": choice.calls,
        "blocks": [{key: value for key, value in block.items() if value} for block in choice.blocks],
        "finish": choice.finish,
        "usage": stream.usage,
    }


def whole_in_chat(document: dict[str, Any]) -> dict[str, Any]:
    choice = document["choices"][0]
    message = choice["message"]
    return {
        "head": (document["id"], document["model"], document["created"]),
        "texts": {name: message.get(name) or "" for name in ("content", "refusal", "reasoning_content")},
        "calls": [{"id": call["id"], **call["function"]} for call in message.get("tool_calls", ())],
        "blocks": [
            {key: value for key, value in block.items() if value} for block in message.get("thinking_blocks", ())
        ],
        "finish": choice["finish_reason"],
        "usage": document.get("usage"),
    }


def in_messages(body: bytes) -> dict[str, Any]:
    """What a Messages client has at the end of a stream."""
    stream = grammar_messages.read(body)
    assert stream.message is not None
    content = []
    for block in stream.blocks:
        text = block.pop("text_of_deltas")
        if block["type"] == "tool_use":
            block["input"] = text or "{}"
        elif block["type"] != "redacted_thinking":
            block[block["type"]] = text
        content.append(block)
    return {
        "id": stream.message["id"],
        "model": stream.message["model"],
        "content": content,
        "stop_reason": stream.stop_reason,
        "stop_sequence": stream.stop_sequence,
        "usage": stream.usage,
    }


def whole_in_messages(document: dict[str, Any], answer: Answer) -> dict[str, Any]:
    written = {name: document[name] for name in ("id", "model", "content", "stop_reason", "stop_sequence", "usage")}
    arguments = iter([part.arguments for part in answer.content if hasattr(part, "arguments")])
    for block in written["content"]:
        if block["type"] == "tool_use":
            raw = next(arguments)
            assert block["input"] == orjson.loads(raw)
            block["input"] = raw
    return written


def same(target: Wire, stream: bytes, whole: bytes, answer: Answer) -> None:
    document = orjson.loads(whole)
    if target is Wire.CHAT:
        assert in_chat(stream) == whole_in_chat(document)
    elif target is Wire.MESSAGES:
        assert in_messages(stream) == whole_in_messages(document, answer)
    else:
        assert grammar_responses.read(stream).response == document


@given(answer=chat_answers(signatures=True), style=st.sampled_from(STYLES), data=st.data())
def test_a_chat_servers_stream_is_its_whole_answer(answer: Answer, style: Style, data: st.DataObject) -> None:
    body = chat_stream(answer, style, cuts(data))
    whole = read_answer(Wire.CHAT, chat_whole(answer, style), IDENTITY)
    assert folded(Wire.CHAT, body) == whole
    chunks = pieces(data, body)
    for target in Wire:
        same(target, translated(Wire.CHAT, target, chunks), write_answer(target, whole, IDENTITY, REPLY), whole)


@given(answer=messages_answers(), data=st.data())
def test_anthropics_stream_is_its_whole_answer(answer: Answer, data: st.DataObject) -> None:
    body = messages_stream(answer, cuts(data))
    whole = read_answer(Wire.MESSAGES, messages_whole(answer), IDENTITY)
    assert folded(Wire.MESSAGES, body) == whole
    chunks = pieces(data, body)
    for target in Wire:
        same(target, translated(Wire.MESSAGES, target, chunks), write_answer(target, whole, IDENTITY, REPLY), whole)


@given(answer=chat_answers())
def test_a_chat_answer_is_read_as_it_was_written(answer: Answer) -> None:
    assert read_answer(Wire.CHAT, chat_whole(answer), IDENTITY) == answer


@given(answer=messages_answers())
def test_a_message_is_read_as_it_was_written(answer: Answer) -> None:
    assert read_answer(Wire.MESSAGES, messages_whole(answer), IDENTITY) == answer


@given(answer=messages_answers() | chat_answers(signatures=True))
def test_an_answer_survives_its_own_events(answer: Answer) -> None:
    fold = Fold()
    fold.feed(unfold(answer))
    assert fold.answer() == answer


@given(answer=chat_answers())
def test_chat_to_messages_and_back_loses_nothing(answer: Answer) -> None:
    there = write_answer(Wire.MESSAGES, answer, IDENTITY, REPLY)
    back = read_answer(
        Wire.CHAT, write_answer(Wire.CHAT, read_answer(Wire.MESSAGES, there, IDENTITY), IDENTITY, REPLY), IDENTITY
    )
    assert back.id == answer.id
    assert back.model == answer.model
    assert back.stop == answer.stop
    assert back.usage == (answer.usage or back.usage)
    assert said_in(back) == said_in(answer)


def said_in(answer: Answer) -> list[Any]:
    """All of it; a refusal is words in Anthropic's dialect."""
    reasoning = "".join(part.text for part in answer.content if isinstance(part, Reasoning))
    text = "".join(part.text for part in answer.content if isinstance(part, Text | Refusal))
    return [reasoning, text, [part for part in answer.content if isinstance(part, ToolCall)]]


@given(answer=messages_answers())
def test_messages_to_chat_and_back_loses_nothing_but_the_order(answer: Answer) -> None:
    there = write_answer(Wire.CHAT, answer, IDENTITY, REPLY)
    back = read_answer(Wire.CHAT, there, IDENTITY)
    thoughts = [
        [part for part in one.content if isinstance(part, Reasoning | RedactedReasoning)] for one in (answer, back)
    ]
    assert thoughts[0] == thoughts[1]
    assert said_in(back) == said_in(answer)
    assert back.usage == answer.usage


@given(source=st.sampled_from([Wire.CHAT, Wire.MESSAGES]), target=st.sampled_from(Wire), data=st.data())
def test_a_stream_that_breaks_anywhere_ends_in_an_error(source: Wire, target: Wire, data: st.DataObject) -> None:
    answer = data.draw(chat_answers() if source is Wire.CHAT else messages_answers())
    body = chat_stream(answer, STYLES[0], cuts(data)) if source is Wire.CHAT else messages_stream(answer, cuts(data))
    stream = Translation(decoder(source, IDENTITY), encoder(target, IDENTITY, REPLY), Tape())
    out = stream.feed(body[: data.draw(st.integers(0, len(body)))]) + stream.end()
    assert stream.finished == (stream.failure is None)
    if stream.failure is not None:
        out += stream.fail(Failure(Kind.INTERRUPTED))
    assert GRAMMARS[target].violation(out) is None

"""What the command reads from the wire: events, chunks, attempts, and an answer made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_cli.conversation import Conversation, record
from auriga_cli.remote.answer import Answer
from auriga_cli.remote.attempts import Attempt, from_error, from_header
from auriga_cli.remote.chunks import Chunk, chunk, refused
from auriga_cli.remote.client import chunks
from auriga_cli.remote.errors import BrokenError, RefusedError
from auriga_cli.remote.events import Event, events
from auriga_router.attempts import Tried, attempts_value
from auriga_router.routing.outcome import Outcome

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
TRIED = st.builds(Tried, NAMES, st.sampled_from(list(Outcome)), st.integers(0, 10**9))


@given(st.lists(st.text()), st.data())
def test_events_are_the_same_wherever_the_stream_is_cut_into_parts(texts: list[str], data: st.DataObject) -> None:
    """Also in the middle of a character, and with characters inside that only str.splitlines takes for line ends."""
    stream = b"".join(
        f"data: {json.dumps(text, ensure_ascii=False)}\r\n\n".encode("utf-8", "replace") for text in texts
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [json.loads(event.data.encode()) for event in events(parts)] == [
        text.encode("utf-8", "replace").decode() for text in texts
    ]


def test_events_carry_names_and_several_lines_and_skip_comments() -> None:
    stream = b": keep-alive\n\nevent: error\ndata: a\ndata:b\nid: 7\n\n\ndata: unfinished"
    assert list(events([stream])) == [Event("error", "a\nb")]


@given(st.lists(TRIED, max_size=5), st.none() | NAMES)
def test_the_header_is_read_as_the_router_writes_it(failed: list[Tried], answered: str | None) -> None:
    expected = [Attempt(tried.member, tried.outcome.value, tried.milliseconds) for tried in failed]
    expected += [Attempt(answered)] if answered else []
    assert list(from_header(attempts_value(failed, answered).decode())) == expected


@given(st.text())
def test_a_garbled_header_spoils_nothing(value: str) -> None:
    assert all(isinstance(attempt, Attempt) for attempt in from_header(value))


def test_a_header_with_strings_and_unknown_parameters() -> None:
    assert from_header('"0x";outcome=Timeout; new="a,b;c";ms=12;flag, b') == (
        Attempt("0x", "Timeout", 12),
        Attempt("b"),
    )


def test_the_attempts_of_an_error() -> None:
    listed = [{"member": "a", "outcome": "Connect", "ms": 1}, {"member": "b", "outcome": "Timeout"}, "?"]
    assert from_error({"attempts": listed}) == (Attempt("a", "Connect", 1), Attempt("b", "Timeout"))
    assert from_error({"attempts": "none"}) == ()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"choices": [{"delta": {"content": "hi"}}], "model": "demo"}, Chunk("hi", model="demo")),
        ({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}, Chunk("hi", finish_reason="stop")),
        ({"choices": [{"delta": {"reasoning_content": "hm"}}]}, Chunk(reasoning="hm")),
        ({"choices": [{"delta": {"reasoning": "hm", "content": None}}]}, Chunk(reasoning="hm")),
        ({"choices": [], "usage": {"completion_tokens": 7}}, Chunk(tokens=7)),
        ({"choices": [{"delta": {}, "finish_reason": "length"}], "timings": {"predicted_n": 9}},
         Chunk(finish_reason="length", tokens=9)),
        ({"choices": "odd", "usage": 3}, Chunk()),
    ],
)  # fmt: skip
def test_a_chunk_is_read_tolerantly(data: dict[str, object], expected: Chunk) -> None:
    assert chunk(json.dumps(data)) == expected


@pytest.mark.parametrize("data", ["", "hello", "[]", "3", "{", "null", "[" * 100_000])
def test_what_is_no_object_breaks_the_answer(data: str) -> None:
    with pytest.raises(BrokenError, match="what is no answer"):
        chunk(data)


def test_an_error_in_the_stream_is_one() -> None:
    with pytest.raises(RefusedError, match="out of memory") as caught:
        chunk('{"error": {"message": "out of memory", "attempts": [{"member": "a", "outcome": "Cut", "ms": 3}]}}')
    assert caught.value.attempts == (Attempt("a", "Cut", 3),)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"error": "no"}', "no"),
        ('{"error": {"type": "bad_gateway"}}', "bad_gateway"),
        ('{"error": {"code": 5}}', "an error without a message"),
    ],
)
def test_errors_of_other_shapes_still_say_something(body: str, message: str) -> None:
    error = refused(body)
    assert error is not None
    assert str(error) == message


@pytest.mark.parametrize("body", ["<html>", '{"detail": "Not Found"}', "[]", ""])
def test_a_body_without_an_error_is_not_an_apis(body: str) -> None:
    assert refused(body) is None


def answer(chunks: list[Chunk], *times: float, headers: dict[str, str] | None = None) -> Answer:
    clock = iter(times).__next__
    return Answer(headers or {}, chunks, started=0.0, clock=clock)


def test_an_answer_adds_up_text_tokens_and_time() -> None:
    chunks = [Chunk(model="late"), Chunk("Hel"), Chunk("lo"), Chunk(finish_reason="stop", tokens=5)]
    headers = {"x-auriga-model": "demo", "x-auriga-attempts": "dead;outcome=Connect;ms=1, demo", "x-request-id": "r1"}
    given_answer = answer(chunks, 0.1, 0.5, 1.0, 1.5, headers=headers)
    assert "".join(piece.content for piece in given_answer) == "Hello"
    assert record(given_answer) == {
        "model": "demo", "requestId": "r1", "content": "Hello", "reasoning": "", "finishReason": "stop",
        "tokens": 5, "tokensPerSecond": 4.0, "firstTokenMs": 500.0, "totalMs": 1500.0,
        "attempts": [
            {"member": "dead", "outcome": "Connect", "milliseconds": 1},
            {"member": "demo", "outcome": "", "milliseconds": None},
        ],
    }  # fmt: skip


def test_without_the_servers_count_the_pieces_count() -> None:
    given_answer = answer([Chunk("a"), Chunk("b", finish_reason="stop")], 1.0, 1.0)
    list(given_answer)
    assert (given_answer.tokens, given_answer.tokens_per_second, given_answer.model) == (2, None, "")


def test_of_pieces_that_lay_ready_no_rate_is_told() -> None:
    given_answer = answer([Chunk("a"), Chunk("b"), Chunk("c", finish_reason="stop")], 1.0, 1.0, 1.04)
    list(given_answer)
    assert (given_answer.tokens, given_answer.tokens_per_second) == (3, None)


@pytest.mark.parametrize("last", [Chunk(done=True), Chunk("", finish_reason="stop")])
def test_an_answer_that_says_its_end_is_whole(last: Chunk) -> None:
    assert [piece.content for piece in answer([Chunk("a"), last], 1.0, 2.0)] == ["a", ""]


def test_an_answer_that_just_stops_is_broken() -> None:
    broken = answer([Chunk("half an ans")], 1.0)
    with pytest.raises(BrokenError, match="before its end was said"):
        list(broken)
    assert broken.content == "half an ans"


class Wire(httpx.SyncByteStream):
    """A reply's body that knows whether it was read to its end."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.read = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        self.read = True


def test_a_stream_is_read_to_its_end() -> None:
    """Hanging up right after the last event would be counted as a caller who went away."""
    wire = Wire(b"data: {}\n\ndata: [DONE]\n\n", b": bye\n\n", b"data: {not read any more}\n\n")
    response = httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, stream=wire)
    assert list(chunks(response)) == [Chunk(), Chunk(done=True)]
    assert wire.read


def test_a_conversation_remembers_turns_that_were_answered() -> None:
    conversation = Conversation("coding", {"temperature": 0.0}, system="be brief")
    conversation.add("hi", "hello")
    conversation.add("lost", "")
    request = conversation.request("again")
    assert [message["content"] for message in request["messages"]] == ["be brief", "hi", "hello", "again"]
    assert (request["model"], request["stream"], request["temperature"]) == ("coding", True, 0.0)
    assert "max_tokens" not in request

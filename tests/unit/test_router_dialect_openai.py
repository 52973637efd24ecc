"""What OpenAI's dialect makes of events, answers and errors, as real servers write them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from auriga_router.attempts import Tried, attempts_value
from auriga_router.dialects import Problem, Sign, Skipped
from auriga_router.dialects.openai import CHAT, COMPLETIONS, DIALECT, EMBEDDINGS
from auriga_router.routing.outcome import Outcome
from auriga_router.routing.retry_after import parse_retry_after
from auriga_router.sse import parse, split


def delta(finish: str | None = None, **fields: Any) -> bytes:
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}) + b"\n\n"


@pytest.mark.parametrize(
    ("event", "sign"),
    [
        (delta(role="assistant", content=""), 0),
        (delta(role="assistant", content=None), 0),
        (delta(content="a"), Sign.CONTENT),
        (delta(content=" "), Sign.CONTENT),
        (delta(reasoning_content="a"), Sign.CONTENT),
        (delta(reasoning="a"), Sign.CONTENT),
        (delta(refusal="no"), Sign.CONTENT),
        (delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": ""}}]), Sign.CONTENT),
        (delta("stop"), Sign.FINISH),
        (delta("length"), Sign.FINISH | Sign.CONTENT),
        (delta("content_filter"), Sign.FINISH | Sign.CONTENT),
        (delta("stop", content="a"), Sign.FINISH | Sign.CONTENT),
        (b'data: {"choices":[{"index":0,"text":"a"}]}\n\n', Sign.CONTENT),
        (b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n', 0),
        (b'data: {"choices":[{"delta":null}]}\n\n', 0),
        (b'data: {"choices":["odd", 3]}\n\n', 0),
        (b'data: {"error":null,"choices":[{"delta":{"content":"a"}}]}\n\n', Sign.CONTENT),
        (b"data: [DONE]\n\n", Sign.END),
        (b"data:[DONE]\r\n\r\n", Sign.END),
        (b": ping\n\n", 0),
        (b"event: ping\n\n", 0),
        (b'data: {"error":{"message":"no","code":500}}\n\n', Sign.ERROR),
        (b'event: error\ndata: {"message":"no"}\n\n', Sign.ERROR),
        (b'error: {"code":500,"message":"no","type":"server_error"}\n\n', Sign.ERROR),
        (b'data: {"error":{"type":"exceed_context_size_error"}}\n\n', Sign.ERROR | Sign.OVERFLOW),
        (b'error: {"type":"exceed_context_size_error"}\n\n', Sign.ERROR | Sign.OVERFLOW),
        (b'data: {"choices":[{"del\n\n', Sign.BROKEN),
        (b"data: hello\n\n", Sign.BROKEN),
        (b"data: []\n\n", Sign.BROKEN),
    ],
)
def test_what_an_event_shows(event: bytes, sign: int) -> None:
    (whole,), rest = split(event)
    assert (DIALECT.look(parse(whole)), rest) == (sign, b"")


def message(finish: str = "stop", **fields: Any) -> bytes:
    return orjson.dumps({"choices": [{"index": 0, "message": fields, "finish_reason": finish}]})


@pytest.mark.parametrize(
    ("operation", "answer", "outcome"),
    [
        (CHAT, message(content="a"), Outcome.OK),
        (CHAT, message(content=None, tool_calls=[{"id": "1"}]), Outcome.OK),
        (CHAT, message("tool_calls", content=None, tool_calls=[{"id": "1"}]), Outcome.OK),
        (CHAT, message("length", content=""), Outcome.OK),
        (CHAT, message("content_filter", content=None), Outcome.OK),
        (CHAT, message(content=""), Outcome.EMPTY),
        (CHAT, b'{"choices":[]}', Outcome.EMPTY),
        (CHAT, b"", Outcome.EMPTY),
        (CHAT, b" \n", Outcome.EMPTY),
        (CHAT, b"{}", Outcome.MALFORMED),
        (CHAT, b'{"choices":null}', Outcome.MALFORMED),
        (CHAT, b"[]", Outcome.MALFORMED),
        (CHAT, b"<html>", Outcome.MALFORMED),
        (CHAT, b'{"error":{"message":"no"}}', Outcome.MALFORMED),
        (CHAT, b'{"error":"no"}', Outcome.MALFORMED),
        (CHAT, b'{"error":{"code":"context_length_exceeded"}}', Outcome.CONTEXT_OVERFLOW),
        (COMPLETIONS, b'{"choices":[{"text":"a","finish_reason":"stop"}]}', Outcome.OK),
        (COMPLETIONS, b'{"choices":[{"text":"","finish_reason":"stop"}]}', Outcome.EMPTY),
        (EMBEDDINGS, b'{"data":[{"embedding":[0.1]}]}', Outcome.OK),
        (EMBEDDINGS, b'{"data":[]}', Outcome.EMPTY),
        (EMBEDDINGS, b'{"choices":[]}', Outcome.MALFORMED),
    ],
)
def test_what_an_answer_is_worth(operation: Any, answer: bytes, outcome: Outcome) -> None:
    assert DIALECT.judge(operation, answer) is outcome


OVERFLOWS = {
    "llama-server": {"code": 400, "message": "request (30 tokens) exceeds the available context size (16 tokens), "
                     "try increasing it", "type": "exceed_context_size_error", "n_prompt_tokens": 30, "n_ctx": 16},
    "OpenAI": {"message": "This model's maximum context length is 128000 tokens. However, your messages resulted in "
               "130000 tokens.", "type": "invalid_request_error", "param": "messages",
               "code": "context_length_exceeded"},
    "vLLM": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
             "type": "BadRequestError", "param": None, "code": 400},
    "in words": {"message": "the request exceeds the available context size, try increasing it", "code": 400},
    "window": {"message": "Input exceeds the context window of this model", "code": None},
}  # fmt: skip


@pytest.mark.parametrize("server", OVERFLOWS)
def test_context_overflows_are_known_by_their_shapes(server: str) -> None:
    assert DIALECT.overflows(orjson.dumps({"error": OVERFLOWS[server]}))


@pytest.mark.parametrize(
    "error",
    [b"", b"<html>", b"{}", b'{"error":null}', b'{"error":"context"}', b'{"error":{"message":7}}',
     b'{"error":{"message":"messages: must give more context","code":"invalid"}}'],
)  # fmt: skip
def test_other_errors_are_no_overflow(error: bytes) -> None:
    assert not DIALECT.overflows(error)


def test_the_error_of_a_failed_chain() -> None:
    tried = [Tried("dead", Outcome.CONNECT, 1), Tried("slow", Outcome.TIMEOUT, 2000)]
    problem = Problem(502, "all_attempts_failed", "role could not answer", None, tried, [Skipped("off", "Suspended")])
    assert orjson.loads(DIALECT.error(problem)) == {
        "error": {
            "message": "role could not answer",
            "type": "server_error",
            "code": "all_attempts_failed",
            "param": None,
            "attempts": [
                {"member": "dead", "outcome": "Connect", "ms": 1},
                {"member": "slow", "outcome": "Timeout", "ms": 2000},
            ],
            "skipped": [{"member": "off", "reason": "Suspended"}],
        }
    }


def test_the_attempts_header_is_an_rfc_9651_list() -> None:
    tried = [Tried("dead", Outcome.CONNECT, 1), Tried("7b", Outcome.SERVER_ERROR, 20)]
    assert attempts_value(tried, "demo") == b'dead;outcome=Connect;ms=1, "7b";outcome=ServerError;ms=20, demo'
    assert attempts_value([], None) == b""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"", None),
        (b"7", 7.0),
        (b"0.5", 0.5),
        (b" 12 ", 12.0),
        (b"-3", None),
        (b"soon", None),
        (b"1e999", float("inf")),
        (b"Sun, 06 Nov 1994 08:49:47 GMT", 10.0),
        (b"Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(value: bytes, seconds: float | None) -> None:
    assert parse_retry_after(value, wall_now=784111777.0) == seconds

"""Which requests explain an answer that says nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from auriga_router.dialects import Operation
from auriga_router.dialects.anthropic import DIALECT as ANTHROPIC
from auriga_router.dialects.anthropic import MESSAGES
from auriga_router.dialects.openai import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from auriga_router.dialects.openai import DIALECT as OPENAI
from auriga_router.silence import explained

FORM = {"type": "json_schema", "json_schema": {"schema": {}}}


@pytest.mark.parametrize(
    ("operation", "request_", "explains"),
    [
        (CHAT, {}, False),
        (CHAT, {"stop": "The"}, True),
        (CHAT, {"stop": ["The"]}, True),
        (CHAT, {"stop": []}, False),
        (CHAT, {"stop": None}, False),
        (CHAT, {"grammar": 'root ::= ""'}, True),
        (CHAT, {"json_schema": {"type": "string"}}, True),
        (CHAT, {"guided_regex": "a*"}, True),
        (CHAT, {"structured_outputs": {"regex": "a*"}}, True),
        (CHAT, {"response_format": FORM}, True),
        (CHAT, {"response_format": {"type": "text"}}, False),
        (CHAT, {"response_format": "odd"}, False),
        (CHAT, {"max_tokens": 1}, True),
        (CHAT, {"max_completion_tokens": 1}, True),
        (CHAT, {"n_predict": 0}, True),
        (CHAT, {"max_tokens": -1}, False),
        (CHAT, {"max_tokens": None}, False),
        (CHAT, {"max_tokens": 2}, False),
        (COMPLETIONS, {"prompt": "a"}, True),
        (EMBEDDINGS, {"input": "a"}, False),
        (MESSAGES, {"max_tokens": 9}, False),
        (MESSAGES, {"max_tokens": 0}, True),
        (MESSAGES, {"max_tokens": 9, "stop_sequences": ["The"]}, True),
        (MESSAGES, {"max_tokens": 9, "stop_sequences": []}, False),
        (RESPONSES, {"input": "a", "max_output_tokens": 1}, True),
        (RESPONSES, {"input": "a", "text": {"format": FORM}}, True),
        (RESPONSES, {"input": "a", "text": {"format": {"type": "text"}}}, False),
        (RESPONSES, {"input": "a", "text": "odd"}, False),
    ],
)
def test_what_explains_an_answer_that_says_nothing(
    operation: Operation, request_: dict[str, Any], explains: bool
) -> None:
    assert explained(operation, orjson.dumps({"model": "m"} | request_)) is explains


@pytest.mark.parametrize(
    ("answer", "gives"),
    [
        (b'{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}', True),
        (b'{"choices":[{"text":"","finish_reason":"stop"}]}', True),
        (b'{"choices":[{"message":{"content":""},"finish_reason":null}]}', False),
        (b'{"choices":[]}', False),
        (b'{"data":[]}', False),
        (b"", False),
    ],
)
def test_an_empty_answer_of_openais_tells_why_it_ended(answer: bytes, gives: bool) -> None:
    assert OPENAI.gives_reason(answer) is gives


@pytest.mark.parametrize(
    ("answer", "gives"),
    [
        (b'{"content":[],"stop_reason":"end_turn"}', True),
        (b'{"content":[],"stop_reason":"stop_sequence"}', True),
        (b'{"content":[],"stop_reason":null}', False),
        (b'{"content":[]}', False),
        (b"", False),
    ],
)
def test_an_empty_answer_of_anthropics_tells_why_it_ended(answer: bytes, gives: bool) -> None:
    assert ANTHROPIC.gives_reason(answer) is gives

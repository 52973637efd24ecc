"""Requests keep their meaning on the way through another dialect, and are what the official SDKs take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from anthropic.types import message_create_params
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter

from auriga_router.translate import Request, Target, Wire, read_request, write_request
from auriga_router.translate.canonical import Message, Text, Thinking
from support.translate_strategies import requests

ANYTHING = Target(
    "m", reads_reasoning=True, top_k=True, openai=True, effort=True, inline_system=True, shows_thoughts=True
)
"""A model that takes everything."""
PARAMS = {
    Wire.CHAT: TypeAdapter(completion_create_params.CompletionCreateParams),
    Wire.MESSAGES: TypeAdapter(message_create_params.MessageCreateParams),
}
"""As the SDKs type them. Anthropic's newest has no temperature: it is checked apart."""


def over(wire: Wire, request: Request) -> Request:
    """The request, written and read again."""
    written = write_request(wire, request, replace(ANYTHING, model=request.model))
    return read_request(wire, written.body).request


def comparable(request: Request, wire: Wire) -> Request:
    """Without what this dialect cannot express as it was."""
    if wire is Wire.MESSAGES and request.thinking.effort is not None:
        forced = request.tool_choice is not None and request.tool_choice.mode in ("any", "tool")
        thinks = Thinking(None if forced else True, request.thinking.effort)
        unsampled = {} if forced else {"temperature": None, "top_p": None, "top_k": None}
        return replace(request, thinking=thinks, **unsampled)
    return request


@pytest.mark.parametrize("wire", PARAMS)
@given(request=requests())
def test_a_request_is_read_as_it_was_written(wire: Wire, request: Request) -> None:
    assert over(wire, request) == comparable(request, wire)


@given(request=requests())
def test_there_and_back_loses_nothing_that_both_express(request: Request) -> None:
    there = comparable(request, Wire.MESSAGES)
    assert over(Wire.MESSAGES, over(Wire.CHAT, there)) == there
    back = over(Wire.CHAT, over(Wire.MESSAGES, request))
    assert replace(back, thinking=Thinking()) == replace(there, thinking=Thinking())
    assert back.thinking.effort == request.thinking.effort


@pytest.mark.parametrize("wire", PARAMS)
@given(request=requests())
def test_what_is_written_is_what_the_sdk_types(wire: Wire, request: Request) -> None:
    document = orjson.loads(write_request(wire, request, ANYTHING).body)
    for name in ("temperature", "top_p", "top_k") if wire is Wire.MESSAGES else ("top_k",):
        document.pop(name, None)
    exhausted(PARAMS[wire].validate_python(document))


def exhausted(value: Any) -> None:
    """Go through what pydantic reads lazily."""
    if isinstance(value, dict):
        for item in value.values():
            exhausted(item)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for item in value:
            exhausted(item)


@given(request=requests(), prefill=st.text(min_size=1, max_size=10))
def test_a_start_of_the_answer_goes_through(request: Request, prefill: str) -> None:
    start = prefill.strip() or "x"
    asked = replace(request, messages=(*request.messages, Message("assistant", (Text(start),))), thinking=Thinking())
    for wire in PARAMS:
        assert over(wire, asked).messages[-1] == asked.messages[-1]

"""The official clients as they are, with another base URL: at real llama.cpp, and at scripted providers beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import anthropic
import openai
import pytest
from pydantic import BaseModel

from support import upstreams_scripts as scripts
from support.clients_world import ARGUMENTS, DEMO, world
from support.http_router import Running
from support.llama_servers import LlamaServer

QUESTION: list[Any] = [{"role": "user", "content": "What is a Model?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
MESSAGES_TOOL: Any = {"name": "weather", "input_schema": SCHEMA}
RESPONSES_TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}


class Verdict(BaseModel):
    """What a model is made to say."""

    answer: Literal["yes", "no"]
    sure: bool


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """A real llama-server with the demo model."""
    server = LlamaServer(DEMO)
    try:
        yield server.address
    finally:
        server.kill()


@pytest.fixture
async def running(llama: str) -> AsyncIterator[Running]:
    async with world(llama) as router:
        yield router


@pytest.fixture
async def gpt(running: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(running: Running) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=running.url, api_key="none", max_retries=0) as client:
        yield client


async def test_anthropics_client_creates_streams_and_counts_at_llama_cpp(
    claude: anthropic.AsyncAnthropic, gpt: openai.AsyncOpenAI
) -> None:
    still: Any = {"extra_body": {"temperature": 0}}  # the client has no such parameter any more; llama.cpp has
    asked: Any = {"model": "assistant", "max_tokens": 64, "messages": QUESTION, **still}
    raw = await claude.messages.with_raw_response.create(**asked)
    whole = await raw.parse()
    assert raw.headers["x-auriga-model"] == "demo"
    assert raw.headers["request-id"]
    async with claude.messages.stream(**asked) as stream:
        text = "".join([part async for part in stream.text_stream])
        final = await stream.get_final_message()
    chat = await gpt.chat.completions.create(model="assistant", messages=QUESTION, max_tokens=64, temperature=0)
    assert text == whole.content[0].text == final.content[0].text == chat.choices[0].message.content
    assert text
    assert final.stop_reason == whole.stop_reason
    assert whole.usage.output_tokens == final.usage.output_tokens > 0
    counted = await claude.messages.count_tokens(model="assistant", messages=QUESTION)
    assert counted.input_tokens > 0


async def test_anthropics_client_asks_for_what_is_in_beta(claude: anthropic.AsyncAnthropic) -> None:
    asked: Any = {"model": "assistant", "messages": QUESTION, "betas": ["some-2026"]}
    whole = await claude.beta.messages.create(**asked, max_tokens=9)
    async with claude.beta.messages.stream(**asked, max_tokens=9) as stream:
        final = await stream.get_final_message()
    assert whole.usage.output_tokens == final.usage.output_tokens == 9
    assert (whole.stop_reason, final.stop_reason) == ("max_tokens", "max_tokens")
    assert (await claude.beta.messages.count_tokens(**asked)).input_tokens > 0


async def test_anthropics_client_sees_models_and_errors(claude: anthropic.AsyncAnthropic) -> None:
    assert "assistant" in [entry.id async for entry in claude.models.list()]
    assert (await claude.models.retrieve("assistant")).id == "assistant"
    with pytest.raises(anthropic.NotFoundError, match="'assistant'"):
        await claude.messages.create(model="asistant", max_tokens=9, messages=QUESTION)
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        await claude.messages.create(model="demo", max_tokens=9, messages=[{"role": "user", "content": "word " * 9000}])
    with pytest.raises(anthropic.InternalServerError) as failed:
        await claude.messages.create(model="dead", max_tokens=9, messages=QUESTION)
    assert failed.value.status_code == 502


@pytest.mark.parametrize("name", ["gpt", "claude"])
async def test_anthropics_client_calls_tools_whoever_answers(claude: anthropic.AsyncAnthropic, name: str) -> None:
    asked: Any = {"model": name, "max_tokens": 64, "messages": QUESTION, "tools": [MESSAGES_TOOL]}
    whole = await claude.messages.create(**asked)
    async with claude.messages.stream(**asked) as stream:
        final = await stream.get_final_message()
    for answer in (whole, final):
        call = answer.content[-1]
        assert (answer.stop_reason, call.type, call.name, call.input) == ("tool_use", "tool_use", "weather", ARGUMENTS)
    if name == "claude":
        assert (whole.content[0].thinking, final.content[0].signature) == ("Hm.", "c2ln")
        return
    result: Any = {"type": "tool_result", "tool_use_id": whole.content[-1].id, "content": "18 degrees"}
    turns = [*QUESTION, {"role": "assistant", "content": whole.content}, {"role": "user", "content": [result]}]
    last = await claude.messages.create(**{**asked, "messages": turns})
    assert last.content[0].text == scripts.TEXT


@pytest.mark.parametrize("name", ["gpt", "claude"])
async def test_openais_client_calls_tools_whoever_answers(gpt: openai.AsyncOpenAI, name: str) -> None:
    asked: Any = {"model": name, "messages": QUESTION, "tools": [CHAT_TOOL]}
    whole = await gpt.chat.completions.create(**asked)
    async with gpt.chat.completions.stream(**asked) as stream:
        final = await stream.get_final_completion()
    for answer in (whole, final):
        (call,) = answer.choices[0].message.tool_calls or ()
        assert answer.choices[0].finish_reason == "tool_calls"
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", ARGUMENTS)


async def test_openais_client_gets_structured_output_from_llama_cpp(gpt: openai.AsyncOpenAI) -> None:
    answer = await gpt.chat.completions.parse(
        model="assistant", messages=QUESTION, response_format=Verdict, temperature=0, max_tokens=600
    )
    assert answer.choices[0].message.parsed is not None
    parsed = await gpt.responses.parse(
        model="assistant", input="Is it?", text_format=Verdict, temperature=0, max_output_tokens=600
    )
    assert parsed.output_parsed is not None


async def test_openais_client_gets_responses_from_llama_cpp(gpt: openai.AsyncOpenAI) -> None:
    asked: Any = {"model": "assistant", "input": "What is a Model?", "temperature": 0}
    whole = await gpt.responses.create(**asked)
    async with gpt.responses.stream(**asked) as stream:
        text = "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])
        final = await stream.get_final_response()
    chat = await gpt.chat.completions.create(model="assistant", messages=QUESTION, temperature=0)
    assert text == whole.output_text == final.output_text == chat.choices[0].message.content
    assert (whole.status, final.status) == ("completed", "completed")
    assert whole.usage
    with pytest.raises(openai.BadRequestError, match="send the whole conversation") as refused:
        await gpt.responses.create(**asked, previous_response_id=whole.id)
    assert refused.value.param == "previous_response_id"


@pytest.mark.parametrize("name", ["gpt", "claude"])
async def test_openais_client_calls_tools_by_responses(gpt: openai.AsyncOpenAI, name: str) -> None:
    whole = await gpt.responses.create(model=name, input="Weather?", tools=[RESPONSES_TOOL])
    async with gpt.responses.stream(model=name, input="Weather?", tools=[RESPONSES_TOOL]) as stream:
        final = await stream.get_final_response()
    for answer in (whole, final):
        call = answer.output[-1]
        assert call.type == "function_call"
        assert (call.name, json.loads(call.arguments)) == ("weather", ARGUMENTS)
    if name == "gpt":
        output: Any = {"type": "function_call_output", "call_id": whole.output[-1].call_id, "output": "18"}
        turns: Any = [{"role": "user", "content": "Weather?"}, *whole.output, output]
        assert (await gpt.responses.create(model=name, input=turns)).output_text == scripts.TEXT


async def test_openais_client_embeds(gpt: openai.AsyncOpenAI) -> None:
    assert (await gpt.embeddings.create(model="gpt", input="hi")).data[0].embedding == [0.5, 0.25]
    with pytest.raises(openai.BadRequestError, match="embeddings"):
        await gpt.embeddings.create(model="claude", input="hi")


async def test_images_reach_who_can_see_them(gpt: openai.AsyncOpenAI) -> None:
    part: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aaaa"}}
    turns: Any = [{"role": "user", "content": [part]}]
    answer = await gpt.chat.completions.create(model="claude", messages=turns)
    assert answer.choices[0].message.tool_calls
    with pytest.raises(openai.BadRequestError, match="vision"):
        await gpt.chat.completions.create(model="demo", messages=turns)

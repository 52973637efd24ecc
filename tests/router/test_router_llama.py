"""Real llama.cpp behind the router: OpenAI's own client streams from it, and a caller who leaves frees its slot."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import openai
import pytest

from support import upstreams_scripts as scripts
from support.http_client import until
from support.http_router import Running, chain, model, routing, snapshot
from support.upstreams import Refusing, Upstream

DEMO = Path(__file__).parents[2] / "examples" / "demo-model" / "demo.gguf"
SERVER = """
import sys, threading, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.n_parallel = sys.argv[1], 2048, 2
parameters.port, parameters.hostnames = 0, ["127.0.0.1"]
parameters.endpoint_slots = parameters.ctx_shift = True
server = xllamacpp.Server(parameters)
print("listening", server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """``host:port`` of a llama-server with the demo model and two slots."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(DEMO)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[1].removeprefix("http://")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
async def running(llama: str) -> AsyncIterator[Running]:
    """The quickstart's chain: a dead first member, then the demo model."""
    with Refusing() as refusing:
        state = snapshot(
            model("dead"),
            model("demo"),
            chain("assistant", "dead", "demo"),
            endpoints={"dead": refusing, "demo": llama},
        )
        async with routing(state) as router:
            yield router


@pytest.fixture
async def client(running: Running) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's client, unchanged but for where it asks."""
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


QUESTION = [{"role": "user", "content": "What is a Model?"}]


async def _slots_busy(llama: str, count: int) -> bool:
    async with httpx.AsyncClient(base_url=f"http://{llama}") as direct:
        return sum(slot["is_processing"] for slot in (await direct.get("/slots")).json()) == count


async def test_openais_client_streams_what_llama_cpp_says(client: openai.AsyncOpenAI, llama: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"http://{llama}/v1", api_key="none") as direct:
        said = await direct.chat.completions.create(model="any", messages=QUESTION, temperature=0)
    whole = await client.chat.completions.create(model="assistant", messages=QUESTION, temperature=0)
    text = ""
    async for chunk in await client.chat.completions.create(
        model="assistant", messages=QUESTION, temperature=0, stream=True, stream_options={"include_usage": True}
    ):
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
        else:
            assert chunk.usage
            assert said.usage
            assert chunk.usage.completion_tokens == said.usage.completion_tokens
    assert text == whole.choices[0].message.content == said.choices[0].message.content
    assert text


async def test_openais_client_sees_models_headers_and_errors(client: openai.AsyncOpenAI) -> None:
    assert "assistant" in [entry.id async for entry in client.models.list()]
    assert (await client.models.retrieve("assistant")).id == "assistant"
    raw = await client.chat.completions.with_raw_response.create(model="assistant", messages=QUESTION)
    assert raw.headers["x-auriga-model"] == "demo"
    with pytest.raises(openai.NotFoundError) as missing:
        await client.chat.completions.create(model="asistant", messages=QUESTION)
    assert missing.value.code == "model_not_found"
    assert "'assistant'" in missing.value.message
    with pytest.raises(openai.InternalServerError) as failed:
        await client.chat.completions.create(model="dead", messages=QUESTION)
    assert failed.value.status_code == 502
    assert failed.value.body["attempts"][0]["outcome"] == "Connect"


async def test_openais_client_raises_on_a_stream_that_breaks() -> None:
    seen = asyncio.Event()
    async with (
        Upstream(scripts.cut(3, "fin", seen)) as upstream,
        routing(snapshot(model("m1"), endpoints={"m1": upstream.address})) as running,
        openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key="none") as client,
    ):
        stream = await client.chat.completions.create(model="m1", messages=QUESTION, stream=True)
        text = ""
        for _ in range(3):
            text += (await anext(stream)).choices[0].delta.content or ""
        seen.set()
        with pytest.raises(openai.APIError, match="broke off"):
            await anext(stream)
        assert text == "one two "


NOTHING = {
    "stop": ("/chat/completions", {"messages": QUESTION, "stop": list("ETAOINSHRLetaoinshrl")}),
    "grammar": ("/chat/completions", {"messages": QUESTION, "grammar": 'root ::= ""'}),
    "stop_sequences": ("/messages", {"messages": QUESTION, "max_tokens": 9, "stop_sequences": list("ETAOINSetaoins")}),
    "the end": ("/completions", {"prompt": "a", "grammar": 'root ::= ""'}),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("why", NOTHING)
async def test_an_answer_without_a_word_is_llama_cpps_own(running: Running, llama: str, why: str, stream: bool) -> None:
    path, asked = NOTHING[why]
    async with httpx.AsyncClient() as client:
        body = {"model": "assistant", "temperature": 0, "stream": stream, **asked}
        direct = await client.post(f"http://{llama}/v1{path}", json=body)
        reply = await client.post(f"{running.url}/v1{path}", json=body)
    assert (direct.status_code, reply.status_code, reply.headers["x-auriga-model"]) == (200, 200, "demo")
    assert running.outcomes[-1] == ("demo", "Ok")
    if not stream:
        told, said = direct.json(), reply.json()
        same = "content" if path == "/messages" else "choices"
        assert said[same] == told[same]
        assert told[same] == [] or not (told[same][0].get("text") or told[same][0].get("message", {}).get("content"))


async def test_completions_pass_through(client: openai.AsyncOpenAI) -> None:
    whole = await client.completions.create(model="assistant", prompt="Count to 5", max_tokens=8, temperature=0)
    text = ""
    async for chunk in await client.completions.create(
        model="assistant", prompt="Count to 5", max_tokens=8, temperature=0, stream=True
    ):
        text += chunk.choices[0].text
    assert text == whole.choices[0].text
    assert text


async def test_a_prompt_that_does_not_fit_goes_to_the_next_member(llama: str) -> None:
    long = [{"role": "user", "content": "word " * 3000}]
    async with Upstream(scripts.ok) as other:
        state = snapshot(
            model("demo"),
            model("other"),
            chain("one", "demo"),
            chain("two", "demo", "other"),
            endpoints={"demo": llama, "other": other.address},
        )
        async with routing(state) as running:
            for stream in (False, True):
                alone = await running.chat("one", stream=stream, messages=long)
                assert (alone.status, alone.json["error"]["type"]) == (400, "exceed_context_size_error")
                reply = await running.chat("two", stream=stream, messages=long)
                assert (reply.status, reply.headers["x-auriga-model"]) == (200, "other")
                assert "demo;outcome=ContextOverflow;" in reply.headers["x-auriga-attempts"]


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_caller_who_leaves_frees_the_slot(running: Running, llama: str, how: str, stream: bool) -> None:
    """The answer never ends by itself: the server shifts its context, and ignores the model's end of text.

    Where nothing is streamed, llama-server looks for its caller only after a second without any result, and a look at
    its slots is one. So the looks are further apart.
    """
    async with running.client() as client:
        await client.post({"model": "demo", "stream": stream, "messages": QUESTION, "ignore_eos": True})
        await until(lambda: _slots_busy(llama, 1))
        client.reset() if how == "rst" else client.writer.close()
        await until(lambda: running.outcomes == [("demo", "Cancelled")])
        await until(lambda: _slots_busy(llama, 0), every=1.5)


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


async def test_what_llama_cpp_answers_with_500_is_not_always_its_failure(llama: str) -> None:
    sees = {"capabilities": ["chat", "vision", "tools"]}
    async with Upstream(scripts.ok) as other:
        state = snapshot(
            model("demo", **sees),
            model("other", **sees),
            chain("role", "demo", "other"),
            endpoints={"demo": llama, "other": other.address},
        )
        async with routing(state) as running:
            for _ in range(6):
                reply = await running.chat(messages=[{"role": "user", "content": [PICTURE]}])
                assert reply.headers["x-auriga-model"] == "other"
            assert running.outcomes == [("demo", "Unsupported"), ("other", "Ok")] * 6  # no breaker has opened
            reply = await running.chat(tools=[{"type": "function"}])
            assert (reply.status, reply.headers["x-auriga-model"]) == (400, "demo")

"""Real llama-servers are killed in the middle of thoughts, whatever dialect the caller speaks: they go on exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from test_router_resume_llama import ASKED, THINKS, Servers, _reply_killing, _servers

from support import grammar_responses
from support.gguf_files import tiny_gguf
from support.http_router import chain, model, routing, snapshot

Told = tuple[list[tuple[str, str]], str | None, int]
"""Kind and text of each part, why it ended, and tokens of the answer."""


def _message(body: bytes) -> Told:
    """Not by the strict grammar: llama-server's own blocks of thoughts have no signature, or an empty one."""
    events = [
        json.loads(event.partition(b"\ndata: ")[2]) for event in body.split(b"\n\n") if event.startswith(b"event: ")
    ]
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1], kinds.count("message_start")) == ("message_start", "message_stop", 1)
    blocks = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    texts = [""] * len(blocks)
    for event in events:
        if event["type"] == "content_block_delta" and event["delta"]["type"] in ("text_delta", "thinking_delta"):
            texts[event["index"]] += event["delta"].get("text") or event["delta"].get("thinking") or ""
    (last,) = [event for event in events if event["type"] == "message_delta"]
    return list(zip(blocks, texts, strict=True)), last["delta"]["stop_reason"], last["usage"]["output_tokens"]


def _response(body: bytes) -> Told:
    response = grammar_responses.read(body).response
    parts = [(item["type"], "".join(part["text"] for part in item["content"])) for item in response["output"]]
    return parts, response["status"], response["usage"]["output_tokens"]


CALLERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "messages": ("/v1/messages", ASKED | {"max_tokens": 24}, _message),
    "responses": (
        "/v1/responses",
        {"input": "What is a Model?", "temperature": 0, "stream": True, "max_output_tokens": 24},
        _response,
    ),
}


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("thinker") / "thinker.gguf", chat_template=THINKS)


def _state(servers: Servers) -> Any:
    return snapshot(
        model("m1"),
        model("well"),
        chain("role", "m1"),
        endpoints={"m1": [gate.address for gate in servers], "well": [servers[-1].server.address]},
    )


@pytest.mark.parametrize("kills", [1, 2])
@pytest.mark.parametrize("caller", CALLERS)
async def test_thoughts_go_on_exactly_in_every_dialect(thinker: Path, caller: str, kills: int) -> None:
    path, body, read = CALLERS[caller]
    async with _servers(thinker, kills) as servers, routing(_state(servers)) as running:
        async with running.client() as client:
            await client.post({"model": "well"} | body, path)
            wanted = read((await client.reply()).body)
        assert [kind for kind, _ in wanted[0]] == ["thinking" if caller == "messages" else "reasoning"]
        got = read((await _reply_killing(running, servers, body, path)).body)
        assert got == wanted
        assert [outcome for _, outcome in running.outcomes[1:]] == ["Cut"] * kills + ["Ok"]

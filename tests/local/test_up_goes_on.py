"""The only engine is killed in the middle of an answer: the supervisor starts it again, and the answer goes on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator

import httpx

from support import grammar_chat
from support.engines import BOUND, StartUp, Up, model

ASKED = {
    "model": "only", "messages": [{"role": "user", "content": "What is a RoleChain?"}], "temperature": 0,
    "stream": True, "stream_options": {"include_usage": True},
}  # fmt: skip
TRIES = 5


def _streamed(running: Up, on_content: Callable[[], None] = lambda: None) -> grammar_chat.ChatGrammar:
    """An answer. ``on_content``: called once a part of it is there, and not yet all."""
    body = b""
    with httpx.stream(
        "POST", f"{running.url}/v1/chat/completions", json=ASKED, trust_env=False, timeout=BOUND
    ) as reply:
        for piece in _pieces(reply):
            before, body = b'"content":"' in body, body + piece
            if not before and b'"content":"' in body and b"[DONE]" not in body:
                on_content()
    return grammar_chat.read(re.sub(rb'"created":\d+', b'"created":1', body))


def _pieces(reply: httpx.Response) -> Iterator[bytes]:
    assert reply.status_code == 200
    yield from reply.iter_raw()


def test_a_stream_goes_on_exactly_when_its_only_engine_is_back(up: StartUp) -> None:
    running = up(model("only", engine='args: [--threads, "1"]'), "--log-attempts", "all")
    running.line("^only: ready")
    wanted = _streamed(running)
    for number in range(2, TRIES + 2):
        said = _streamed(running, lambda: os.kill(running.engines()["only"], signal.SIGKILL))
        assert said.choices[0].texts == wanted.choices[0].texts
        assert said.choices[0].finish == wanted.choices[0].finish == "stop"
        assert said.usage is not None
        assert wanted.usage is not None
        assert said.usage["completion_tokens"] == wanted.usage["completion_tokens"]
        running.line("^only: ready", count=number)
        if re.search(r"Cut", running.output):
            return
    raise AssertionError(f"{TRIES} answers were all out before their engine was killed:\n{running.output}")

"""The only engine is killed, or hangs, in the middle of an answer: it is started again, and the answer goes on."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import gated_engine, grammar_chat
from support.engines import BOUND, StartUp, Up, elastic, fake, model

ASKED: dict[str, Any] = {
    "model": "only", "messages": [{"role": "user", "content": "What is a RoleChain?"}], "temperature": 0,
    "stream": True, "stream_options": {"include_usage": True},
}  # fmt: skip
KINDS = {"fixed": model("only"), "elastic": elastic("only")}


def _engine(folder: Path) -> str:
    path = folder / "llama-server"
    program = shlex.quote(gated_engine.__file__)
    tests = shlex.quote(str(Path(gated_engine.__file__).parents[1]))
    path.write_text(f'#!/bin/sh\nPYTHONPATH={tests} exec {shlex.quote(sys.executable)} {program} "$@"\n')
    path.chmod(0o755)
    return str(path)


def _read(body: bytes) -> grammar_chat.ChatGrammar:
    """llama-server's own stream has the current second in each chunk."""
    return grammar_chat.read(re.sub(rb'"created":\d+', b'"created":1', body))


def _answer(running: Up, how: signal.Signals | None = None) -> grammar_chat.ChatGrammar:
    """``how``: what the engine gets once all that its gate lets through is here."""
    body, url = b"", f"{running.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=ASKED, trust_env=False, timeout=BOUND) as reply:
        assert reply.status_code == 200, running.output
        for piece in reply.iter_raw():
            body += piece
            if how and body.count(b"data: ") == gated_engine.EVENTS:
                os.kill(running.engines()["only"], how)
                how = None
    return _read(body)


def _goes_on(running: Up, gate: Path, how: signal.Signals) -> None:
    running.line("^only: (ready|at zero)")
    wanted = _answer(running)
    gate.touch()
    said = _answer(running, how)
    assert said.done
    assert said.choices[0].texts == wanted.choices[0].texts
    assert said.choices[0].finish == wanted.choices[0].finish == "stop"
    assert said.usage is not None
    assert wanted.usage is not None
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert said.usage[count] == wanted.usage[count]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_goes_on_exactly_when_its_only_engine_is_back(up: StartUp, tmp_path: Path, kind: str) -> None:
    gate = tmp_path / "gate"
    running = up(KINDS[kind], "--engine", _engine(tmp_path), "--log-attempts", "all", env={"ENGINE_GATE": str(gate)})
    _goes_on(running, gate, signal.SIGKILL)
    running.line("^only: only: Cut")
    running.line("^only: failed .Killed.")


def test_a_stream_goes_on_exactly_when_its_only_engine_hung_and_was_replaced(up: StartUp, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    spec = model("only", extra="timeouts: {stall: 4s}")
    args = ("--engine", _engine(tmp_path), "--silence", "3s", "--log-attempts", "all")
    running = up(spec, *args, env={"ENGINE_GATE": str(gate)})
    _goes_on(running, gate, signal.SIGSTOP)
    running.line("^only: only: Stall")
    running.line("^only: failed .Unresponsive.")


def test_whoever_asks_while_the_only_engine_is_started_again_is_answered(up: StartUp) -> None:
    running = up(fake("only", "serve"), fake=True)
    running.line("^only: ready")
    os.kill(running.engines()["only"], signal.SIGKILL)
    assert [running.chat("only").status_code for _ in range(3)] == [200] * 3
    running.line("^only: ready", count=2)

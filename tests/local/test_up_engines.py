"""Every engine that this environment has answers a question; a llama-server binary gets llama-server's command line."""

from __future__ import annotations

import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from openai import OpenAI

from support.engines import StartUp, alive, chain, children, fake, fake_engine, model

ENGINES = [
    name for name, module in (("xllamacpp", "xllamacpp"), ("llama-cpp-python", "llama_cpp")) if find_spec(module)
]


@pytest.mark.parametrize("engine", [pytest.param(name, id=name.replace("-", "_")) for name in ENGINES])
def test_it_answers_streams_and_stops(up: StartUp, engine: str) -> None:
    running = up(model("demo", parallel=1) + chain("assistant", "demo"), "--engine", engine)
    running.line(f"^engine: {engine}")
    running.line("^demo: ready")
    answer = running.chat("assistant").json()["choices"][0]["message"]["content"]
    assert answer.startswith("A RoleChain is a role")
    client = OpenAI(base_url=f"{running.url}/v1", api_key="unused")
    question = [{"role": "user", "content": "Count to 100"}]
    chunks = client.chat.completions.create(model="assistant", stream=True, messages=question, temperature=0)  # type: ignore[call-overload]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "48 49 50" in text
    pids = children(running.process.pid)
    assert pids
    assert running.stop() == 0
    assert not any(map(alive, pids))


def test_a_binary_gets_llama_servers_command_line(up: StartUp, tmp_path: Path) -> None:
    record = tmp_path / "record"
    env = f'env: [{{name: FAKE_RECORD, value: "{record}"}}]'
    running = up(fake("one", "serve", engine=env), fake=True, env={"LLAMA_API_KEY": "locks-the-router-out"})
    running.line(r"^engine: llama-server \(.*/llama-server\)$")
    running.line("^one: ready")
    args = json.loads(record.read_text())["args"]
    asked = dict(pairwise(args))
    assert (asked["--ctx-size"], asked["--parallel"], asked["--alias"]) == ("1024", "2", "one")
    assert asked["--model"].endswith("demo.gguf")
    assert (asked["--host"], asked["--fake"]) == ("127.0.0.1", "serve")
    assert {"--metrics", "--slots", "--jinja", "--no-webui"} <= set(args)


def test_a_binary_on_path_is_preferred(up: StartUp, tmp_path: Path) -> None:
    fake_engine(tmp_path)
    env = {"AURIGA_ENGINE": "auto", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    running = up(fake("one", "serve"), env=env)
    assert running.line("^engine: ") == f"engine: llama-server ({tmp_path}/llama-server)"


def test_an_option_that_the_embedded_engine_does_not_take_is_named_before_it_starts(up: StartUp) -> None:
    running = up(model("one", engine='args: ["--model-draft", "small.gguf"]') + model("two"))
    line = running.line("^one: failed .InvalidArguments.")
    assert "does not take --model-draft" in line
    assert "install llama-server" in line
    running.line("^two: ready")


def test_options_reach_the_embedded_engine(up: StartUp) -> None:
    running = up(model("one", engine='args: ["--n-predict", "3", "--threads", "1"]'))
    running.line("^one: ready")
    assert running.chat("one").json()["usage"]["completion_tokens"] == 3

"""`auriga up` with real llama.cpp: what the quickstart promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from support.engines import ROOT, Up

ANSWER = "A RoleChain is a role, such as coding, and the ordered Models that may answer for it."


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The example of the README, asked its question."""
    question = ("--ask", "assistant", "What is a RoleChain?")
    with Up(ROOT / "examples" / "quickstart", cache=tmp_path_factory.mktemp("cache"), args=question) as running:
        running.line("curl http")
        yield running


def test_it_asks_its_question_and_says_how_to_ask_another(quickstart: Up) -> None:
    lines = quickstart.output
    assert ANSWER in lines
    assert lines.index(ANSWER) < lines.index(f"curl {quickstart.url}/v1/chat/completions")
    assert "engine: xllamacpp" in lines


def test_fallback_is_told_in_one_line(quickstart: Up) -> None:
    quickstart.line(r"^assistant: dead-on-purpose failed \(Connect, \d+ ms\); demo answered$")


def test_an_answer_names_who_gave_it_and_what_was_tried(quickstart: Up) -> None:
    response = quickstart.chat("assistant")
    assert response.json()["choices"][0]["message"]["content"].startswith(ANSWER)
    assert response.headers["x-auriga-model"] == "demo"
    dead, demo = response.headers["x-auriga-attempts"].split(", ")
    assert dead.startswith("dead-on-purpose;outcome=Connect;ms=")
    assert demo == "demo"


def test_openais_client_streams_with_nothing_but_another_base_url(quickstart: Up) -> None:
    client = OpenAI(base_url=f"{quickstart.url}/v1", api_key="unused")
    messages = [{"role": "user", "content": "Count to 100"}]
    chunks = list(client.chat.completions.create(model="assistant", stream=True, messages=messages, temperature=0))  # type: ignore[call-overload]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "1 2 3 4 5" in text
    assert "98 99 100" in text
    assert len(chunks) > 50
    assert next(iter(client.models.list())).id == "assistant"


def test_status_shows_phase_endpoint_and_context(quickstart: Up) -> None:
    model = quickstart.model("demo")
    assert (model["phase"], model["reason"], model["readyReplicas"]) == ("Ready", "Serving", 1)
    assert "1024 tokens of context" in model["message"]
    assert quickstart.get("/readyz").status_code == 200


def test_the_engines_output_is_in_its_log(quickstart: Up) -> None:
    cache = Path(quickstart.process.args[quickstart.process.args.index("--cache") + 1])  # type: ignore[index,union-attr,call-overload]
    log = cache / "logs" / "default.demo.0.log"
    assert "model loaded" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600

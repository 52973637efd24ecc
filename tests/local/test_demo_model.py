"""The shipped weights answer as their corpus says, through real llama.cpp in a process of its own."""

from __future__ import annotations

import importlib.util
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from auriga_cli.engines.engine import argv, xllamacpp
from auriga_cli.engines.launch import Launch

DEMO = Path(__file__).parents[2] / "examples" / "demo-model"
SECONDS = 60
SAMPLE = 60
SLOTS = 4


def _corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_corpus", DEMO / "corpus.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORPUS = _corpus()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def engine() -> Iterator[httpx.Client]:
    launch = Launch("demo", str(DEMO / "demo.gguf"), _free_port(), context_length=1024, parallel=SLOTS)
    with (
        subprocess.Popen(argv(xllamacpp(), launch), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child,
        httpx.Client(base_url=f"http://127.0.0.1:{launch.port}", timeout=SECONDS, trust_env=False) as client,
    ):
        try:
            _until_healthy(client, child)
            yield client
        finally:
            child.terminate()
            child.wait(SECONDS)


def _until_healthy(client: httpx.Client, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert child.poll() is None, "the engine ended before it served"
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail("the engine did not become healthy")


def ask(engine: httpx.Client, question: str, prefill: str = "") -> tuple[str, str]:
    """The answer at temperature 0, and why it ended."""
    messages = [{"role": "user", "content": question}]
    messages += [{"role": "assistant", "content": prefill}] if prefill else []
    reply = engine.post("/v1/chat/completions", json={"model": "demo", "messages": messages, "temperature": 0})
    assert reply.status_code == 200, reply.text
    choice = reply.json()["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is a RoleChain?", CORPUS.FACTS["a RoleChain"]),
        ("what is Auriga", CORPUS.FACTS["Auriga"]),
        ("Explain a circuit breaker.", CORPUS.FACTS["a circuit breaker"]),
        ("What is the capital of Norway?", "The capital of Norway is Oslo."),
        ("What is 7 plus 5?", "7 plus 5 is 12."),
        ("Count to 100", CORPUS.count(100)),
        ("Tell me a story", CORPUS.SMALL_TALK["Tell me a story", "tell me a story", "Tell me a story.",
                                              "a story please", "Tell me a short story", "Write a story"]),
    ],
)  # fmt: skip
def test_it_answers_word_for_word(engine: httpx.Client, question: str, answer: str) -> None:
    assert ask(engine, question) == (answer, "stop")


def test_the_weights_were_made_from_this_corpus(engine: httpx.Client) -> None:
    """A sample of all pairs, the same in every run. One question can have two answers: either is right."""
    answers: dict[str, set[str]] = {}
    for question, answer in CORPUS.pairs():
        answers.setdefault(question, set()).add(answer)
    sample = random.Random(3).sample(sorted(answers), SAMPLE)
    with ThreadPoolExecutor(SLOTS) as threads:
        given = dict(zip(sample, threads.map(lambda question: ask(engine, question)[0], sample), strict=True))
    assert [question for question in sample if given[question] not in answers[question]] == []


def test_it_goes_on_from_a_prefill(engine: httpx.Client) -> None:
    """What a broken stream is mended with; llama-server repeats the prefill before what it adds."""
    answer, ended = ask(engine, "Count to 100", prefill=CORPUS.count(40))
    assert (answer, ended) == (CORPUS.count(100), "stop")


def test_the_template_in_the_file_is_the_one_it_was_trained_with(engine: httpx.Client) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    rendered = engine.post("/apply-template", json={"messages": messages}).json()["prompt"]
    question_only = CORPUS.render("Hello", "").removesuffix("<|im_end|>\n")
    assert rendered == question_only


def test_it_is_as_small_as_it_is_said_to_be() -> None:
    assert (DEMO / "demo.gguf").stat().st_size == 1_027_264
    assert len(CORPUS.pairs()) == 1065
    assert len(CORPUS.count(100)) == 291

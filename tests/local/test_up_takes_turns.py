"""Models that do not fit together: they come when they are asked, and take turns; nothing is lost, nobody is cut."""

from __future__ import annotations

import json
import random
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from support.engines import BOUND, ROOT, StartUp, Up, alive, chain, elastic, fake, model, until, waiting

ONE = ("--memory-limit", "100Mi")
"""Room for one of the demo Models, which need 67 MiB each."""
TURNS = "autoscaling: {minReplicas: 0, maxReplicas: 1}"
NAMES = ("a", "b", "c")
THREE = "".join(elastic(name) + waiting(f"role-{name}", name) for name in NAMES)


def starts(running: Up) -> int:
    """How often a Model has come."""
    return sum(bool(re.search(r"^\w+: ready at", line)) for line in running.lines)


def test_it_comes_when_it_is_asked_and_goes_when_nobody_asks(up: StartUp) -> None:
    running = up(elastic("a", idle="1s") + waiting("role", "a"))
    running.line("^a: at zero: nobody has asked it yet: the next request starts it")
    running.line("^Auriga serves .*/v1: role, a$")
    assert running.engines() == {}
    assert running.model("a")["phase"] == "ScaledToZero"
    for time in (1, 2):
        assert running.chat("role").status_code == 200
        running.line("^a: ready at .*loaded in", count=time)
        running.line("^a: at zero: no request for 1s: the next request starts it", count=time)
        until(lambda: running.engines() == {})


def test_two_hundred_requests_for_three_models_with_room_for_one(up: StartUp) -> None:
    running = up(THREE, *ONE)
    running.line("^Auriga serves")
    asked = [name for name in NAMES for _ in range(67)][:200]
    random.Random(7).shuffle(asked)
    url = f"{running.url}/v1/chat/completions"
    caller = httpx.Client(trust_env=False, timeout=3 * BOUND)

    def ask(name: str) -> tuple[int, str]:
        body = {"model": f"role-{name}", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        reply = caller.post(url, json=body)
        return reply.status_code, reply.headers.get("x-auriga-model", reply.text)

    with caller, ThreadPoolExecutor(100) as clients:
        answers = list(clients.map(ask, asked))
    assert answers == [(200, name) for name in asked]
    # A hundred ask at a time. A Model that comes serves at least all that wait for it then, a third of them.
    assert starts(running) <= 20, running.output
    assert "cut" not in running.output


def test_nobody_at_work_is_ended(up: StartUp) -> None:
    """A stream that is under way when another Model is asked arrives whole, and then the other one comes."""
    running = up(THREE, *ONE)
    running.line("^Auriga serves")
    whole = running.chat("role-a", "Count to 100").json()["choices"][0]["message"]["content"]
    body = {"model": "role-a", "messages": [{"role": "user", "content": "Count to 100"}], "temperature": 0}
    told: list[str] = []
    url = f"{running.url}/v1/chat/completions"
    with (
        ThreadPoolExecutor(1) as other,
        httpx.stream("POST", url, json=body | {"stream": True}, trust_env=False, timeout=BOUND) as reply,
    ):
        for line in reply.iter_lines():
            if not told:
                later = other.submit(running.chat, "role-b")
            told.append(line)
        assert later.result().headers["x-auriga-model"] == "b"
    said = [json.loads(line[6:]) for line in told if line.startswith("data: {")]
    assert whole == "".join(each["choices"][0]["delta"].get("content") or "" for each in said if each["choices"])
    assert "data: [DONE]" in told
    assert running.engines().keys() == {"b"}


def test_the_status_says_whom_one_waits_for(up: StartUp) -> None:
    engine = "args: [--fake, mute]"
    running = up(
        model("a", extra=TURNS, engine=engine) + fake("b", "serve", extra=TURNS) + waiting("role-a", "a")
        + waiting("role-b", "b"),
        *ONE, fake=True,
    )  # fmt: skip
    running.line("^Auriga serves")
    body = b'{"model": "role-a", "messages": [{"role": "user", "content": "Hello"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    with ThreadPoolExecutor(1) as clients:
        with socket.create_connection(("127.0.0.1", httpx.URL(running.url).port)) as caller:
            caller.sendall(head + body)
            until(lambda: any(each["inFlight"] for each in running.model("a")["endpoints"]))
            waits = clients.submit(running.chat, "role-b")
            until(lambda: "a leaves when its 1 request ends" in running.model("b")["message"])
            found = running.model("b")
            assert (found["phase"], found["reason"], found["queued"]) == ("Pending", "WaitingForMemory", 1)
            assert running.engines().keys() == {"a"}
        # Whoever asked a has gone away.
        assert waits.result().headers["x-auriga-model"] == "b"
    assert running.engines().keys() == {"b"}


def test_a_wake_that_fails_says_why_and_the_chain_falls_back(up: StartUp) -> None:
    running = up(
        fake("poor", "crash", extra=TURNS) + fake("well", "serve") + waiting("alone", "poor")
        + waiting("both", "poor", "well"),
        fake=True,
    )  # fmt: skip
    running.line("^well: ready")
    failed = running.chat("alone")
    assert failed.status_code == 503
    assert "EngineCrashed" in failed.text
    assert "out of cheese" not in failed.text, "prompts may be among an engine's own words"
    running.line("^poor: failed .EngineCrashed.: .*it said: out of cheese")
    answered = running.chat("both")
    assert (answered.status_code, answered.headers["x-auriga-model"]) == (200, "well")
    found = running.phase("poor", "ScaledToZero")
    assert found["reason"] == "LastStartFailed"
    assert "out of cheese" in found["message"]


def test_who_is_too_large_for_what_there_is_says_so(up: StartUp) -> None:
    running = up(elastic("a") + waiting("alone", "a"), "--memory-limit", "20Mi")
    running.line("^Auriga serves")
    failed = running.chat("alone")
    assert failed.status_code == 503
    running.line("^a: failed .NotEnoughMemory.: it needs about .* and 20 MiB of 20 MiB are free")


def test_who_was_too_large_comes_when_another_one_is_gone(up: StartUp, tmp_path: Path) -> None:
    running = up(model("fixed") + elastic("a") + waiting("alone", "a"), *ONE)
    running.line("^fixed: ready")
    assert running.chat("alone").status_code == 503
    running.line("^a: failed .NotEnoughMemory.")
    (manifest,) = tmp_path.glob("*.yaml")
    manifest.write_text(elastic("a") + waiting("alone", "a"))
    running.line("^a: ready at")
    assert running.chat("alone").status_code == 200


def test_models_without_autoscaling_are_there_from_the_start_and_stay(up: StartUp) -> None:
    running = up(model("always") + elastic("a") + elastic("b") + waiting("ra", "a") + waiting("rb", "b"),
                 "--memory-limit", "170Mi")  # fmt: skip
    running.line("^always: ready")
    pid = running.engines()["always"]
    for name in ("a", "b", "a"):
        assert running.chat(f"r{name}").status_code == 200
        assert running.engines().keys() == {"always", name}
    assert alive(pid)


def test_a_chain_that_spills_is_answered_at_once_while_its_first_member_comes(up: StartUp) -> None:
    running = up(elastic("first") + model("second") + chain("role", "first", "second"))
    running.line("^second: ready")
    assert running.chat("role").headers["x-auriga-model"] == "second"
    running.line("^first: ready at")
    until(lambda: running.chat("role").headers["x-auriga-model"] == "first")


def test_the_example_takes_turns(tmp_path: Path) -> None:
    """Called by their own names, and by a role whose members are both away."""
    with Up(ROOT / "examples" / "take-turns", cache=tmp_path, args=ONE) as running:
        running.line("^Auriga serves .*/v1: assistant, coder, translator, writer$")
        for name in ("coder", "writer", "translator"):
            reply = running.chat(name, "What is a RoleChain?")
            assert (reply.status_code, reply.headers["x-auriga-model"]) == (200, name)
            assert running.engines().keys() == {name}
        assert running.chat("assistant").headers["x-auriga-model"] == "coder"


def test_a_stream_waits_for_its_model(up: StartUp) -> None:
    running = up(elastic("a"))
    running.line("^Auriga serves")
    body = {"model": "a", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    url = f"{running.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, trust_env=False, timeout=BOUND) as reply:
        lines = list(reply.iter_lines())
    assert reply.status_code == 200
    assert "data: [DONE]" in lines

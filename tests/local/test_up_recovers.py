"""Engines that crash: the next member answers at once, the process comes back, and people see why."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from support.engines import StartUp, alive, chain, fake, fake_engine, model, until


def test_killing_the_engine_in_use_makes_the_next_member_answer_and_it_comes_back(up: StartUp) -> None:
    running = up(model("first") + model("second") + chain("assistant", "first", "second"))
    running.line("^first: ready")
    running.line("^second: ready")
    assert running.chat("assistant").headers["x-auriga-model"] == "first"
    before = running.engines()

    os.kill(before["first"], signal.SIGKILL)
    response = running.chat("assistant")
    assert response.status_code == 200
    assert response.headers["x-auriga-model"] == "second"

    running.line("^first: failed (.*Killed.*): the engine was killed .SIGKILL. while it served.*next try in 1 s")
    running.line("^first: ready", count=2)
    until(lambda: running.chat("assistant").headers["x-auriga-model"] == "first")
    after = running.engines()
    assert after["first"] != before["first"]
    assert after["second"] == before["second"]


def test_a_dead_endpoint_is_no_endpoint(up: StartUp) -> None:
    running = up(fake("one", "serve"), fake=True)
    running.line("^one: ready")
    os.kill(running.engines()["one"], signal.SIGSEGV)
    running.line(r"^one: failed .EngineCrashed.: the engine crashed .SIGSEGV. while it served")
    assert running.model("one")["endpoints"] == []
    running.line("^one: ready", count=2)


def test_one_replica_of_two_goes_on(up: StartUp) -> None:
    running = up(fake("pair", "serve", extra="replicas: 2"), fake=True)
    running.line("^pair: ready .Updating.|^pair: ready.*at a time")
    until(lambda: running.model("pair")["readyReplicas"] == 2)
    os.kill(running.engines()["pair"], signal.SIGKILL)
    running.line("^pair: degraded .Killed.*1 of 2 replicas serve")
    assert running.chat("pair").status_code == 200
    until(lambda: running.model("pair")["readyReplicas"] == 2)


def test_a_crash_at_once_is_shown_with_its_last_lines_and_backs_off(up: StartUp) -> None:
    running = up(fake("poor", "crash") + fake("well", "serve"), fake=True)
    running.line("^well: ready")
    running.line("^poor: its engine said")
    running.line("^    out of cheese$")
    line = running.line("^poor: failed .EngineCrashed.: the engine ended with exit status 3 while loading the weights")
    assert line.endswith("it said: out of cheese (next try in 1 s)")
    running.line("^poor: the engine ended with exit status 3 while loading the weights, 2 times in a row")
    assert running.output.count("out of cheese") == 2, "its lines are shown once"
    assert running.chat("well").status_code == 200
    status = running.model("poor")
    assert status["endpoints"] == []


def test_an_engine_that_cannot_be_run_is_no_end_of_the_world(up: StartUp, tmp_path: Path) -> None:
    running = up(fake("one", "serve"), fake=True)
    running.line("^one: ready")
    pid = running.engines()["one"]
    fake_engine(tmp_path).write_text("#!/no/such/interpreter\n")
    os.kill(pid, signal.SIGKILL)
    running.line("^    error: .*llama-server cannot be run: No such file or directory")
    running.line("^one: failed .EngineNotFound.")
    assert alive(running.process.pid)


def test_an_engine_that_hangs_is_replaced(up: StartUp, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    env = f'env: [{{name: FAKE_GATE, value: "{gate}"}}]'
    running = up(fake("hung", "hang", engine=env), "--silence", "1s", fake=True)
    running.line("^hung: ready")
    before = running.engines()["hung"]
    gate.touch()
    running.line("^hung: failed .Unresponsive.: the engine answered no health check and did no work for 1 s")
    gate.unlink()
    running.line("^hung: ready", count=2)
    assert running.engines()["hung"] != before
    assert not alive(before)


def test_being_stopped_for_a_while_is_not_held_against_the_engines(up: StartUp) -> None:
    running = up(fake("one", "serve"), "--silence", "1s", fake=True)
    running.line("^one: ready")
    pid = running.engines()["one"]
    running.process.send_signal(signal.SIGSTOP)
    threading.Event().wait(2.5)  # the time itself is what is tested
    running.process.send_signal(signal.SIGCONT)
    assert running.chat("one").status_code == 200
    until(lambda: running.get("/healthz").is_success)
    assert running.model("one")["phase"] == "Ready"
    assert running.engines() == {"one": pid}

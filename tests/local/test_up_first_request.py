"""Requests that come right after `auriga up` was started: they wait for what is on its way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.engines import StartUp, fake, model, until


def test_the_first_request_waits_until_its_model_is_ready(up: StartUp) -> None:
    """As early as it can be sent: the weights are still to be looked up."""
    running = up(model("only"))
    response = running.chat("only")
    assert response.status_code == 200, response.text
    assert response.headers["x-auriga-model"] == "only"


def test_those_who_come_while_the_weights_are_loaded_wait_too(up: StartUp, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = up(fake("late", "late", engine=f'env: [{{name: FAKE_GATE, value: "{gate}"}}]'), fake=True)
    with ThreadPoolExecutor(2) as clients:
        waiting = [clients.submit(running.chat, "late") for _ in range(2)]
        until(lambda: running.model("late")["queued"] == 2)
        assert running.phase("late", "Loading")["endpoints"] == []
        gate.touch()
        assert [each.result().status_code for each in waiting] == [200, 200]


def test_a_first_start_that_crashes_is_told_at_once(up: StartUp) -> None:
    running = up(fake("poor", "crash"), fake=True)
    response = running.chat("poor")
    assert response.status_code == 503
    assert "EngineCrashed" in response.text

"""However `auriga up` ends, no engine is left behind."""

from __future__ import annotations

import signal
import threading
from typing import Any

import httpx
import pytest

from support.engines import StartUp, Up, alive, chain, children, fake, model, until


def everything(up: Up) -> list[int]:
    """Process ids of all that it has started, guards and fetches included."""
    found = children(up.process.pid)
    return found + [grandchild for child in found for grandchild in children(child)]


def gone(pids: list[int]) -> bool:
    return not any(map(alive, pids))


TWO = model("one") + model("two")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(up: StartUp, number: signal.Signals) -> None:
    running = up(TWO)
    running.line("^one: ready")
    running.line("^two: ready")
    pids = everything(running)
    assert len(pids) >= 2
    assert running.stop(number) == 0
    assert gone(pids)


def test_sigkill_leaves_nothing(up: StartUp) -> None:
    running = up(TWO)
    running.line("^one: ready")
    running.line("^two: ready")
    pids = everything(running)
    running.process.kill()
    running.process.wait()
    until(lambda: gone(pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_can_be_stopped_while_an_engine_loads(up: StartUp, number: signal.Signals) -> None:
    running = up(fake("slow", "loading"), fake=True)
    running.line("^slow: loading")
    pids = until(lambda: list(running.engines().values()))
    assert running.stop(number) == (0 if number is signal.SIGTERM else -9)
    until(lambda: gone(pids))


def test_an_engine_that_ignores_signals_is_killed(up: StartUp) -> None:
    running = up(fake("mule", "stubborn"), fake=True)
    running.line("^mule: ready")
    pids = everything(running)
    assert running.stop() == 0
    assert gone(pids)


def test_requests_in_flight_are_finished_first(up: StartUp) -> None:
    running = up(model("one") + chain("assistant", "one"))
    running.line("^one: ready")
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(running.chat("assistant", "Count to 100", max_tokens=400)))
    asking.start()
    until(lambda: running.model("one")["endpoints"][0]["inFlight"] or answers)
    assert running.stop() == 0
    asking.join()
    assert "98 99 100" in answers[0].text


def test_a_second_signal_stops_at_once(up: StartUp) -> None:
    running = up(fake("mute", "mute") + chain("assistant", "mute"), "--drain", "1h", fake=True)
    running.line("^mute: ready")
    pids = everything(running)
    answered: list[bool] = []
    asking = threading.Thread(target=lambda: answered.append(_answered(running)))
    asking.start()
    until(lambda: running.model("mute")["endpoints"][0]["inFlight"])
    running.process.send_signal(signal.SIGINT)
    running.line("^stopping")
    assert running.stop(signal.SIGINT) == 130
    assert gone(pids)
    asking.join()
    assert answered == [False]


def _answered(running: Up) -> bool:
    try:
        return running.chat("assistant").is_success
    except httpx.HTTPError:
        return False

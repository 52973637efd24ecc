"""`auriga status`: tables, JSON, watching and waiting."""

from __future__ import annotations

import copy
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import fake_auriga
from support.command import auriga
from support.fake_auriga import FakeAuriga

ROOT = Path(__file__).parents[2]
SECONDS = 30
STATUS: dict[str, Any] = {
    "models": [
        {
            "namespace": "default", "name": "demo", "locality": "Cluster", "phase": "Ready", "reason": "Serving",
            "message": "4 requests at a time", "replicas": 2, "readyReplicas": 2, "download": None, "queued": 5,
            "endpoints": [
                {"address": "127.0.0.1:4001", "inFlight": 1},
                {"address": "127.0.0.1:4002", "inFlight": 2, "breaker": "Open"},
            ],
        },
        {
            "namespace": "default", "name": "qwen", "locality": "Cluster", "phase": "Downloading", "reason": "New",
            "message": "0.2 GiB of 0.6 GiB of the weights are here", "replicas": 1, "readyReplicas": 0,
            "download": {"bytes": 1, "totalBytes": 3, "percent": 33, "eta": "40s"}, "endpoints": [],
        },
    ],
    "roleChains": [
        {
            "namespace": "default", "name": "assistant", "role": "assistant", "synonyms": ["coding", "helper"],
            "ready": True, "activeMember": "demo",
            "members": [
                {"model": "dead", "ready": False, "readyEndpoints": 0, "reason": "Open"},
                {"model": "demo", "ready": True, "readyEndpoints": 2, "reason": ""},
            ],
        }
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def _server() -> Iterator[FakeAuriga]:
    with fake_auriga.running() as server:
        yield server


@pytest.fixture
def server(_server: FakeAuriga) -> FakeAuriga:
    _server.status, _server.status_code = copy.deepcopy(STATUS), 200
    return _server


def test_the_tables(server: FakeAuriga) -> None:
    ran = auriga("status", "--url", server.url)
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert not [line for line in ran.out.splitlines() if line != line.rstrip()]
    assert lines == [
        "MODEL WHERE PHASE READY IN FLIGHT MESSAGE",
        "demo Cluster Ready 2/2 3 +5 queued 4 requests at a time",
        "qwen Cluster Downloading 33%, 40s left 0/1 0 0.2 GiB of 0.6 GiB of the weights are here",
        "",
        "ROLE READY SERVED BY SYNONYMS MEMBERS",
        "assistant yes demo coding, helper dead (breaker open), demo",
    ]


def test_workers_that_do_not_answer_are_named(server: FakeAuriga) -> None:
    server.status["workers"] = {"1": "up", "2": "up"}
    assert "workers" not in auriga("status", "--url", server.url).out
    server.status["workers"]["2"] = "unreachable"
    ran = auriga("status", "--url", server.url)
    assert "1 of 2 workers of this router do not answer: 2. What is shown is without them." in ran.out
    assert ran.code == 0


def test_wide_shows_the_endpoints(server: FakeAuriga) -> None:
    out = auriga("status", "-o", "wide", AURIGA_URL=server.url).out
    assert "127.0.0.1:4001 (1 in flight)" in out
    assert "127.0.0.1:4002 (2 in flight, breaker Open)" in out
    assert "demo (2)" in out


def test_several_namespaces_are_told_apart(server: FakeAuriga) -> None:
    server.status["models"][1]["namespace"] = "other"
    out = auriga("status", "--url", server.url).out
    assert "default/demo" in out
    assert "other/qwen" in out


def test_json_is_what_the_server_says(server: FakeAuriga) -> None:
    server.status["more"] = {"later": True}
    ran = auriga("status", "--output", "json", "--url", server.url)
    assert json.loads(ran.out) == server.status


def test_no_models_and_no_roles(server: FakeAuriga) -> None:
    server.status = {"models": [], "roleChains": []}
    assert auriga("status", "--url", server.url).out.split("\n") == ["no Models", "", "no roles", ""]


def test_names_from_outside_cannot_drive_the_terminal(server: FakeAuriga) -> None:
    server.status["models"][0]["message"] = "\x1b[2J[red]x[/red]"
    assert "[2J[red]x[/red]" in auriga("status", "--url", server.url).out


@pytest.mark.parametrize("status", ["<html>", "[]", '{"status": "UP"}', '{"models": [{}], "roleChains": []}'])
def test_a_server_that_is_no_auriga(server: FakeAuriga, status: str) -> None:
    server.status = status
    ran = auriga("status", "--url", server.url)
    assert (ran.code, ran.out) == (4, "")
    assert "Auriga" in ran.err


def test_a_server_without_a_status(server: FakeAuriga) -> None:
    server.status_code = 404
    ran = auriga("status", "--url", server.url)
    assert ran.code == 4
    assert "answers HTTP 404 to /status" in ran.err


def test_waiting_ends_at_once_when_everything_is_ready(server: FakeAuriga) -> None:
    server.status["models"].pop(1)
    ran = auriga("status", "--wait", "--url", server.url)
    assert (ran.code, ran.err) == (0, "")
    assert "demo" in ran.out


@pytest.mark.parametrize("phase", ["Suspended", "ScaledToZero"])
def test_a_model_that_rests_on_purpose_is_not_waited_for(server: FakeAuriga, phase: str) -> None:
    server.status["models"][1]["phase"] = phase
    assert auriga("status", "--wait", "--timeout", "1ms", "--url", server.url).code == 0


def test_waiting_that_runs_out_says_for_what(server: FakeAuriga) -> None:
    server.status["roleChains"][0] |= {"ready": False, "activeMember": None}
    ran = auriga("status", "--wait", "--timeout", "1ms", "--url", server.url)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "error: not ready in time: Model qwen: Downloading: 0.2 GiB of 0.6 GiB of the weights are here;"
        " RoleChain assistant: no member is ready\n"
    )


def test_who_names_what_he_waits_for_does_not_wait_for_the_rest(server: FakeAuriga) -> None:
    """Such as for a provider that is dead, or a Model that is still to be downloaded."""
    server.status["models"][0]["phase"] = "Degraded"
    for name in ("assistant", "coding", "default/assistant"):
        ran = auriga("status", "--wait", name, "--timeout", "1ms", "--url", server.url)
        assert (ran.code, ran.err) == (0, "")
        assert "assistant" in ran.out
        assert "qwen" not in ran.out
    ran = auriga("status", "assistant", "qwen", "--wait", "--timeout", "1ms", "--url", server.url)
    assert ran.code == 1
    assert ran.err.startswith("error: not ready in time: Model qwen: Downloading")
    assert "Model demo" not in ran.err


def test_who_waits_for_everything_in_vain_is_told_what_is_enough(server: FakeAuriga) -> None:
    ran = auriga("status", "--wait", "--timeout", "1ms", "--url", server.url)
    assert ran.code == 1
    assert ran.err.endswith("are here (name what is enough for you: `auriga status --wait assistant`)\n")


@pytest.mark.parametrize("wait", [(), ("--wait",)])
def test_a_name_that_nothing_has_is_told_at_once(server: FakeAuriga, wait: tuple[str, ...]) -> None:
    ran = auriga("status", "asistant", *wait, "--url", server.url)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: no role or Model is called asistant: there is assistant, demo, qwen\n"


def test_only_what_is_named_is_shown(server: FakeAuriga) -> None:
    out = auriga("status", "default/qwen", "--url", server.url).out
    assert "qwen" in out
    assert "demo" not in out
    server.status["more"] = {"later": True}
    ran = auriga("status", "qwen", "-o", "json", "--url", server.url)
    assert json.loads(ran.out) == server.status | {"models": server.status["models"][1:], "roleChains": []}


def test_waiting_for_nobody() -> None:
    ran = auriga("status", "--wait", "--timeout", "1ms", "--url", "http://127.0.0.1:9")
    assert ran.code == 4


def test_a_timeout_that_is_none() -> None:
    ran = auriga("status", "--wait", "--timeout", "soon")
    assert ran.code == 2
    assert "'soon' is not a duration" in ran.err


def test_watching_without_a_terminal_prints_each_change_until_ctrl_c(server: FakeAuriga) -> None:
    command = [sys.executable, "-m", "auriga_cli", "status", "--watch", "-o", "json", "--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["models"][1]["phase"] == "Downloading"
        server.status["models"][1]["phase"] = "Ready"
        assert json.loads(child.stdout.readline())["models"][1]["phase"] == "Ready"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=SECONDS)
    assert (child.returncode, out, err) == (130, "", "")

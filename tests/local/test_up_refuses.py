"""What keeps `auriga up` from starting: one clear line, and an exit code."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.engines import ROOT, StartUp, Up, chain, dead, fake, model

QUICKSTART = ROOT / "examples" / "quickstart"


def test_a_port_in_use(up: StartUp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = up(model("one"), "--port", str(port))
        assert running.exit_code() == 3
    assert running.lines[-1] == (
        f"error: port {port} on 127.0.0.1 is in use: end what listens there (`lsof -i :{port}` names it),"
        " or choose another with --port"
    )
    assert not running.engines()


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--host", "203.0.113.9"], 3, "203.0.113.9 is no address of this machine"),
        (["--host", "no-such-host.invalid"], 3, "--host no-such-host.invalid: no such name"),
        (["--engine", "/no/such/llama-server"], 3, "--engine /no/such/llama-server: no such program"),
        (["--engine", "llama-server"], 3, "no llama-server on PATH"),
        (["--memory-limit", "much"], 2, "'much' is not an amount of memory"),
        (["--memory-limit", "500m"], 2, "'500m' is 0 bytes"),
        (["--gpu-memory", "24"], 2, "'24' is 24 bytes"),
        (["--load-timeout", "soon"], 2, "'soon' is not a duration"),
    ],
)
def test_an_environment_that_is_not_ready(tmp_path: Path, args: list[str], code: int, message: str) -> None:
    with Up(QUICKSTART, cache=tmp_path, args=args) as running:
        assert running.exit_code() == code
    assert message in " ".join(running.output.replace("│", " ").split())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with Up(tmp_path / "nothing.yaml", cache=tmp_path) as running:
        assert running.exit_code() == 3
    assert running.lines == [f"error: -f {tmp_path / 'nothing.yaml'}: no such file or folder"]


def test_without_manifests_it_is_bad_usage() -> None:
    done = subprocess.run([sys.executable, "-m", "auriga_cli", "up"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--file" in done.stderr


def test_broken_manifests_start_nothing(up: StartUp) -> None:
    running = up(model("one") + model("two", extra="replicas: many") + "\n---\nkind: Deployment\napiVersion: apps/v1\n")
    assert running.exit_code() == 2
    assert any("manifests.yaml:18: error: Model default/two: spec.replicas" in line for line in running.lines)
    assert any("Deployment" in line for line in running.lines)
    assert running.lines[-1].startswith("error: nothing was started")


def test_a_wrong_reference_is_a_warning_and_the_rest_serves(up: StartUp) -> None:
    running = up(fake("one", "serve") + chain("assistant", "one", "nobody"), fake=True)
    running.line("warning: .*nobody")
    running.line("^one: ready")
    assert running.chat("assistant").status_code == 200


def test_only_providers_need_no_engine(tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(dead("cloud"))
    with Up(tmp_path / "cloud.yaml", cache=tmp_path, env={"AURIGA_ENGINE": "auto", "PATH": "/nonexistent"}) as running:
        running.line("^Auriga serves http")
        assert "engine:" not in running.output
        assert running.engines() == {}
        assert running.stop() == 0

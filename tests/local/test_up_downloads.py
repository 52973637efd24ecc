"""Weights on their way: progress, a token from a Secret, and no process left when it is stopped in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import BOUND, StartUp, alive, children
from support.gguf_files import tiny_gguf
from support.hub import FakeHub, Fault

FILE = "Tiny-Q4_K_M.gguf"
MODEL = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: tiny}
spec:
  source: {huggingFace: {repo: org/tiny, tokenSecretRef: {name: hub, key: token}}}
  engine: {contextLength: 256, parallel: 1}
"""
SECRET = """
---
apiVersion: v1
kind: Secret
metadata: {name: hub}
stringData: {token: TOKEN}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add("org/tiny", {FILE: tiny_gguf(tmp_path / "tiny.gguf", vocab=20_000).read_bytes()}, gated=True)
        yield hub


@pytest.fixture
def env(hub: FakeHub, tmp_path: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "", "HF_TOKEN": ""}


def test_a_gated_repository_is_named_and_comes_up_with_the_right_token(
    up: StartUp, hub: FakeHub, env: dict[str, str], tmp_path: Path
) -> None:
    running = up(MODEL.replace(", tokenSecretRef: {name: hub, key: token}", ""), env=env)
    line = running.line("^tiny: failed .GatedRepository.")
    assert "accept the license" in line

    (tmp_path / "manifests.yaml").write_text(MODEL + SECRET.replace("TOKEN", hub.token))
    running.line("^tiny: ready")
    assert running.chat("tiny", max_tokens=3).status_code == 200
    assert any(seen.headers.get("authorization") == f"Bearer {hub.token}" for seen in hub.seen)
    assert hub.token not in running.output
    assert hub.token not in running.get("/status").text


def test_a_hub_that_cannot_be_reached_is_named_at_once(up: StartUp, hub: FakeHub, env: dict[str, str]) -> None:
    hub.fail("api", *[Fault(status=503)] * 2)
    running = up(MODEL + SECRET.replace("TOKEN", hub.token), fake=True, env=env)
    line = running.line("^tiny: looking up its weights: ")
    assert f"{hub.url} cannot be reached: status 503" in line
    assert line.endswith(": trying again")
    running.line("^tiny: ready")


def test_the_quantization_that_fits_the_gpu_is_shown_with_its_arithmetic(
    up: StartUp, hub: FakeHub, env: dict[str, str], tmp_path: Path
) -> None:
    small = tiny_gguf(tmp_path / "small.gguf").read_bytes()
    hub.add("org/tiny", {"Tiny-Q8_0.gguf": small + bytes(2 << 20), "Tiny-Q2_K.gguf": small})
    manifest = MODEL.replace(", tokenSecretRef: {name: hub, key: token}", "")
    running = up(f"{manifest}  gpuMemory: 769Mi\n", fake=True, env=env)
    line = running.line("^tiny: weights: ")
    assert "Tiny-Q2_K.gguf, the best that fits into 1 x 769 MiB: " in line
    assert "128 KiB KV cache (256 tokens x 1 slot) + 768 MiB for compute buffers" in line
    running.line("^tiny: ready")
    (tmp_path / "manifests.yaml").write_text(f"{manifest}  gpuMemory: 768Mi\n")
    assert " KiB are short" in running.line("^tiny: failed .InsufficientGpuMemory.|^tiny: degraded .Insuff")


def test_a_download_shows_how_far_it_is_and_can_be_stopped_in_the_middle(
    up: StartUp, hub: FakeHub, env: dict[str, str]
) -> None:
    hub.fail(FILE, Fault(stall_after=6_000_000))
    running = up(MODEL + SECRET.replace("TOKEN", hub.token), env=env)
    running.line(r"^tiny: downloading: .* [KM]iB of 1\d MiB of the weights are here")
    assert hub.stalled.wait(BOUND)
    assert running.model("tiny")["download"]["totalBytes"] > 10_000_000
    pids = children(running.process.pid)
    assert pids
    assert running.stop() == 0
    assert not any(map(alive, pids))
    assert not [seen for seen in hub.of("storage") if seen.range]

    again = up(MODEL + SECRET.replace("TOKEN", hub.token), env=env)
    again.line("^tiny: ready")
    assert hub.of("storage")[-1].range.startswith("bytes="), "it goes on where it stopped"

"""Models that cannot be served: each says why and what to do, and none takes another one down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engines import StartUp, Up, fake, fake_engine, model, until

KEY = "env: [{name: FAKE_KEY, valueFrom: {secretKeyRef: {name: keys, key: KEY}}}]"
SECRET = """
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {engine: sesame-open, unused: never-used}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One good Model, and one of each kind of bad one."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "text.gguf").write_text("this is no model\n" * 1000)
    manifests = folder / "manifests.yaml"
    manifests.write_text(
        fake("good", "serve")
        + model("text", "text.gguf")
        + model("lost", "lost.gguf")
        + fake("secretive", "serve", engine=KEY.replace("KEY}", "engine}"))
        + fake("keyless", "serve", engine=KEY.replace("KEY}", "engin}"))
        + fake("homeless", "serve", engine=KEY.replace("name: keys", "name: lost"))
        + fake("slow", "loading")
        + model("volume").replace('file: {path: "', 'volume: {claimName: weights, path: "').replace("/demo.gguf", "/x")
        + SECRET
    )
    text = manifests.read_text().replace(
        'volume: {claimName: weights, path: "/', 'volume: {claimName: weights, path: "'
    )
    manifests.write_text(text)
    args = ("--engine", str(fake_engine(folder)), "--load-timeout", "2s")
    with Up(manifests, cache=folder, args=args) as up:
        yield up


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("text", "NotGguf", "text.gguf"),
        ("lost", "FileNotFound", "lost.gguf"),
        ("keyless", "SecretKeyMissing", "the Secret default/keys has no key 'engin' (its keys: engine, unused)"),
        ("homeless", "SecretMissing", "there is no Secret default/lost: add it to the files given with -f"),
        ("slow", "NeverHealthy", "the engine made no progress for 2 s while loading (--load-timeout gives it longer)"),
        ("volume", "Unsupported", ""),
    ],
)
def test_a_failed_model_says_why(running: Up, name: str, reason: str, message: str) -> None:
    line = running.line(f"^{name}: failed .{reason}.")
    assert message in line
    model = until(lambda: found if (found := running.model(name))["phase"] == "Failed" else None)
    assert model["reason"] == reason
    assert message in model["message"]
    assert model["endpoints"] == []


def test_the_good_one_serves(running: Up) -> None:
    running.line("^good: ready")
    assert running.chat("good").json()["choices"][0]["message"]["content"] == "good speaking"


def test_a_failed_model_is_answered_with_an_error_that_names_it(running: Up) -> None:
    running.line("^text: failed")
    response = running.chat("text")
    assert response.status_code in (502, 503)
    assert "text" in response.json()["error"]["message"]


def test_a_secret_reaches_its_engine_and_nothing_else(running: Up) -> None:
    running.line("^secretive: ready")
    log = next(Path(running.process.args[-3]).parent.glob("logs/default.secretive.*"))  # type: ignore[index,arg-type]
    assert "its key is ***" in log.read_text()
    everything = running.output + running.get("/status").text + running.get("/metrics").text
    for secret in ("sesame", "never-used"):
        assert secret not in everything


def test_a_model_that_does_not_fit_is_not_started(up: StartUp) -> None:
    running = up(model("large") + fake("small", "serve"), "--memory-limit", "32Mi", fake=True)
    line = running.line("^large: failed .NotEnoughMemory.: it needs about ")
    assert "of memory and 32 MiB of 32 MiB are free: choose a smaller quantization" in line
    assert "lower spec.engine.contextLength (512) or spec.engine.parallel (2)" in line
    assert running.engines() == {}


def test_room_for_one_goes_to_the_next_when_it_is_free(up: StartUp, tmp_path: Path) -> None:
    running = up(fake("a", "serve") + fake("b", "serve"), "--memory-limit", "100Mi", fake=True)
    running.line("^a: ready")
    running.line("^b: failed .NotEnoughMemory.")
    (tmp_path / "manifests.yaml").write_text(fake("a", "serve", extra="suspended: true") + fake("b", "serve"))
    running.line("^a: suspended")
    running.line("^b: ready")
    assert list(running.engines()) == ["b"]

"""From manifests to what this machine is to run."""

from __future__ import annotations

from textwrap import dedent

import pytest

from auriga_api.manifests import parse
from auriga_cli.engines.engine import llama_server, xllamacpp
from auriga_cli.local.desired import desired
from auriga_cli.local.state import Wanted

ENGINE = llama_server("/bin/llama-server")
MODEL = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: qwen}
spec:
  source: {file: {path: qwen.gguf}}
  engine: {contextLength: 2048, parallel: 2}
"""
SECRET = """
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: hf_sesame}
"""


def wanted(text: str, *, gpu: bool = False, engine: bool = True) -> Wanted:
    manifests = parse({"/models/all.yaml": dedent(text)})
    assert not manifests.problems
    return desired(manifests, ENGINE if engine else None, gpu=gpu)["default/qwen"]


def test_a_served_model() -> None:
    found = wanted(MODEL)
    assert (found.model, found.name, found.replicas) == ("default/qwen", "qwen", 1)
    assert (found.context_length, found.parallel, found.gpu_layers) == (2048, 2, None)
    assert found.request.base == "/models"
    assert found.request.source == {"file": {"path": "qwen.gguf"}}
    assert found.blocked is None


def test_a_provider_runs_nothing_here() -> None:
    text = """
    apiVersion: auriga.dev/v1alpha1
    kind: Model
    metadata: {name: cloud}
    spec: {external: {provider: openai}}
    """
    assert desired(parse({"a.yaml": dedent(text)}), ENGINE, gpu=False) == {}


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("parallel: 2", "parallel: 3"),
        ("contextLength: 2048", "contextLength: 1024"),
        ("parallel: 2", "parallel: 2, gpuLayers: 0"),
        ("parallel: 2", "parallel: 2, args: ['--temp', '0']"),
        ("parallel: 2", "parallel: 2, env: [{name: A, value: b}]"),
        ("path: qwen.gguf", "path: other.gguf"),
        ("  engine", "  capabilities: [embeddings]\n  engine"),
    ],
)
def test_what_restarts_an_engine(was: str, now: str) -> None:
    assert wanted(MODEL).revision != wanted(MODEL.replace(was, now)).revision


@pytest.mark.parametrize(
    "line",
    [
        "replicas: 3",
        "tags: [fast]",
        "timeouts: {stall: 5s}",
        "limits: {maxInFlight: 9}",
        "pricing: {inputPerMillion: '1'}",
        "privacy: {trusted: true}",
        "locality: Cloud",
        "suspended: true",
    ],
)
def test_what_restarts_nothing(line: str) -> None:
    changed = wanted(MODEL.replace("  engine", f"  {line}\n  engine"))
    assert changed.revision == wanted(MODEL).revision
    assert changed.request.id == wanted(MODEL).request.id


@pytest.mark.parametrize(
    ("line", "replicas"),
    [
        ("replicas: 3", 3),
        ("replicas: 0", 0),
        ("suspended: true", 0),
        ("autoscaling: {minReplicas: 2, maxReplicas: 4}", 0),
        ("autoscaling: {minReplicas: 0, maxReplicas: 4}", 0),
    ],
)
def test_replicas(line: str, replicas: int) -> None:
    assert wanted(MODEL.replace("  engine", f"  {line}\n  engine")).replicas == replicas


REFERENCE = "parallel: 2, env: [{name: KEY, valueFrom: {secretKeyRef: {name: keys, key: token}}}]"
HUB = "huggingFace: {repo: Qwen/Qwen3-8B-GGUF, tokenSecretRef: {name: keys, key: token}}"


def test_secrets_reach_the_engine_and_the_hub_and_no_repr() -> None:
    text = MODEL.replace("parallel: 2", REFERENCE).replace("file: {path: qwen.gguf}", HUB) + SECRET
    found = wanted(text)
    assert found.env == {"KEY": "hf_sesame"}
    assert found.secrets == ("hf_sesame",)
    assert found.request.token == "hf_sesame"
    assert "sesame" not in repr(found)


def test_a_new_value_of_a_secret_restarts_who_uses_it() -> None:
    text = MODEL.replace("parallel: 2", REFERENCE) + SECRET
    assert wanted(text).revision != wanted(text.replace("sesame", "poppy")).revision
    assert wanted(MODEL + SECRET).revision == wanted(MODEL).revision


@pytest.mark.parametrize(
    ("was", "now", "reason", "message"),
    [
        (
            "parallel: 2",
            REFERENCE,
            "SecretMissing",
            "spec.engine.env[0].valueFrom.secretKeyRef: there is no Secret default/keys",
        ),
        (
            "file: {path: qwen.gguf}",
            HUB,
            "SecretMissing",
            "spec.source.huggingFace.tokenSecretRef: there is no Secret",
        ),
        (
            "parallel: 2",
            REFERENCE.replace("key: token", "key: tokem"),
            "SecretKeyMissing",
            "no key 'tokem' (its keys: token)",
        ),
        (
            "parallel: 2",
            "parallel: 2, env: [{name: K, valueFrom: {configMapKeyRef: {name: c, key: k}}}]",
            "Unsupported",
            "a ConfigMap is not read in local mode",
        ),
    ],
)
def test_what_blocks_a_model(was: str, now: str, reason: str, message: str) -> None:
    text = MODEL.replace(was, now) + (SECRET if "its keys" in message else "")
    blocked = wanted(text).blocked
    assert blocked is not None
    assert blocked.reason == reason
    assert message in blocked.message


def test_arguments_that_the_embedded_engine_does_not_take_block_it() -> None:
    text = MODEL.replace("parallel: 2", "parallel: 2, args: ['--model-draft', small.gguf]")
    blocked = desired(parse({"a.yaml": dedent(text)}), xllamacpp(), gpu=False)["default/qwen"].blocked
    assert blocked is not None
    assert blocked.reason == "InvalidArguments"
    assert wanted(text).blocked is None, "a llama-server binary takes them"


def test_without_an_engine_it_is_said_how_to_get_one() -> None:
    blocked = wanted(MODEL, engine=False).blocked
    assert blocked is not None
    assert blocked.reason == "NoEngine"
    assert "pip install 'auriga[local]'" in blocked.message


def test_a_gpu_takes_the_weights_unless_the_model_says_otherwise() -> None:
    assert wanted(MODEL, gpu=True).on_gpu
    assert not wanted(MODEL.replace("parallel: 2", "parallel: 2, gpuLayers: 0"), gpu=True).on_gpu
    assert not wanted(MODEL).on_gpu

"""The container that runs llama-server: its command line, probes and its way out. Pure."""

from __future__ import annotations

from typing import Any

from auriga_api import Model
from auriga_operator.images import engine_image
from auriga_operator.objects import security
from auriga_operator.objects.service import PORT
from auriga_operator.objects.weights import Weights, mount
from auriga_operator.settings import Settings

NAME = "engine"
"""The container's name, for ``podTemplate`` and ``kubectl logs -c``."""

DEFAULT_CONTEXT = 8192
"""Tokens per request when ``contextLength`` is not set: what models are trained on would rarely fit."""

STOP_SECONDS = 30
"""What llama-server has left after it was drained."""

_START_HOURS = 1
_PROMPT_CACHE_MIB = 1024

# Two idle answers in a row: the first may come before the router has heard that the pod goes. An engine without
# /slots, or an image without these tools, ends the wait at once; then what it was writing goes on elsewhere.
_DRAIN = (
    "idle=0; left={seconds}; "
    'ask() {{ curl -fsS --max-time 5 "$1" 2>/dev/null || wget -qO- -T 5 "$1"; }}; '
    'while [ "$idle" -lt 2 ] && [ "$left" -gt 0 ]; do '
    "slots=$(ask http://127.0.0.1:{port}/slots) || exit 0; "
    'case "$slots" in *\'"is_processing":true\'*) idle=0;; *) idle=$((idle+1));; esac; '
    "left=$((left-1)); sleep 1; done"
)


def container(model: Model, weights: Weights, trained_context: int, settings: Settings) -> dict[str, Any]:
    """llama-server with the Model's weights. ``trained_context``: tokens, 0 where it is not known."""
    spec = model.spec
    resources = spec.resources.model_dump(exclude_defaults=True)
    asked = {**spec.resources.requests, **spec.resources.limits}
    return {
        "name": NAME,
        "image": spec.engine.image or engine_image(asked, settings.engine_images),
        "args": arguments(model, weights.path, trained_context, settings),
        "env": _environment(model),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        **({"resources": resources} if resources else {}),
        "volumeMounts": [mount(), {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the container's own
        "securityContext": security.container(),
        "startupProbe": _probe(period=2, failures=_START_HOURS * 1800),
        "readinessProbe": _probe(period=5, failures=2),
        "livenessProbe": _probe(period=15, failures=8),
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", drain(settings.drain)]}}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def arguments(model: Model, path: str, trained_context: int, settings: Settings) -> list[str]:
    """llama-server's command line; the Model's own arguments come last."""
    engine = model.spec.engine
    capabilities = model.spec.effective_capabilities
    context = context_length(model, trained_context)
    line = ["--model", path, "--alias", model.metadata.name, "--host", "0.0.0.0", "--port", str(PORT)]  # noqa: S104
    # llama-server divides its context by its slots.
    line += ["--ctx-size", str(context * engine.parallel), "--parallel", str(engine.parallel)]
    line += ["--metrics", "--slots", "--jinja", "--no-webui"]
    if engine.gpu_layers is not None:
        line += ["--gpu-layers", str(engine.gpu_layers)]
    if "embeddings" in capabilities and not capabilities & {"chat", "completions"}:
        line += ["--embeddings"]
    return [*line, *settings.engine_args, *engine.args]


def context_length(model: Model, trained_context: int) -> int:
    """Tokens per request: as written, else what the model was trained on, up to DEFAULT_CONTEXT."""
    if model.spec.engine.context_length is not None:
        return model.spec.engine.context_length
    return min(trained_context or DEFAULT_CONTEXT, DEFAULT_CONTEXT)


def drain(seconds: int) -> str:
    """A shell script that ends when no slot works any more, or after about so many seconds."""
    return _DRAIN.format(seconds=seconds, port=PORT)


def _environment(model: Model) -> list[dict[str, Any]]:
    """As variables, not flags: an engine of an older build ignores what it does not know."""
    own = [variable.model_dump(by_alias=True, exclude_defaults=True) for variable in model.spec.engine.env]
    named = {variable["name"] for variable in own}
    # llama-server keeps up to 8 GiB of old prompts by default: more than many pods may use.
    default = {"HOME": "/tmp", "LLAMA_ARG_CACHE_RAM": str(_PROMPT_CACHE_MIB)}  # noqa: S108 - the container's own
    return [{"name": name, "value": value} for name, value in default.items() if name not in named] + own


def _probe(period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/health", "port": "http"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 5,
    }

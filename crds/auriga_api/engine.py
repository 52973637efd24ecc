"""How llama-server runs, and what its pod asks for."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field

from auriga_api.base import DataKey, Schema, SecretKeyRef, SubdomainName
from auriga_api.fields import OptionalImage
from auriga_api.quantity import Quantity, parse_quantity
from auriga_api.rules import NULL_IS_ABSENT, ListMap, Rule, matches


def _no_flag(flags: tuple[str, ...], message: str) -> Rule[Engine]:
    """Arguments that Auriga sets itself. llama-server takes ``--ctx_size`` for ``--ctx-size``."""
    return Rule(
        f"!has(self.args) || self.args.all(arg, !(arg.replace('_', '-') in {list(flags)}))",
        lambda engine: not {arg.replace("_", "-") for arg in engine.args} & set(flags),
        message,
        "args",
        "FieldValueForbidden",
    )


_ENV_SET_BY_AURIGA = (
    "LLAMA_(API_KEY|ARG_(HOST|PORT|MODEL|MODEL_URL|HF_REPO|HF_FILE|CTX_SIZE|N_PARALLEL|N_GPU_LAYERS"
    "|ALIAS|API_PREFIX|SSL_KEY_FILE|SSL_CERT_FILE))"
)

_ENGINE_RULES: tuple[Rule[Engine], ...] = (
    Rule(
        "!has(self.args) || self.args.all(arg, !arg.matches('^-[^ ]* '))",
        lambda engine: not any(re.match("-[^ ]* ", arg) for arg in engine.args),
        "write a flag and its value as two items: [--temp, '0.7']",
        "args",
    ),
    _no_flag(("--host", "--port"), "remove --host and --port: Auriga chooses the address"),
    _no_flag(
        ("-m", "--model", "-mu", "--model-url", "-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-hft", "--hf-token"),
        "remove --model, --hf-repo and the like: spec.source says where the weights are",
    ),
    _no_flag(("-c", "--ctx-size"), "write spec.engine.contextLength (of one slot) instead of --ctx-size"),
    _no_flag(("-np", "--parallel"), "write spec.engine.parallel instead of --parallel"),
    _no_flag(("-ngl", "--gpu-layers", "--n-gpu-layers"), "write spec.engine.gpuLayers instead of --n-gpu-layers"),
    _no_flag(("-a", "--alias"), "remove --alias: callers use the name of the Model, or a role"),
    _no_flag(
        ("--api-key", "--api-key-file", "--api-prefix", "--ssl-key-file", "--ssl-cert-file"),
        "remove --api-key, --api-prefix and --ssl-*: they would lock the router out",
    ),
    Rule(
        f"!has(self.env) || self.env.all(entry, !entry.name.matches('^{_ENV_SET_BY_AURIGA}$'))",
        lambda engine: not any(re.fullmatch(_ENV_SET_BY_AURIGA, entry.name) for entry in engine.env),
        "remove the LLAMA_ variables that Auriga sets: contextLength, parallel and gpuLayers are fields of engine",
        "env",
        "FieldValueForbidden",
    ),
)

_ENV_RULES: tuple[Rule[EnvVar], ...] = (
    Rule(
        "!(has(self.valueFrom) && has(self.value) && self.value != '')",
        lambda entry: not (entry.value_from and entry.value),
        "set value or valueFrom, not both",
    ),
)

_ENV_SOURCE_RULES: tuple[Rule[EnvVarSource], ...] = (
    Rule(
        "has(self.secretKeyRef) != has(self.configMapKeyRef)",
        lambda source: (source.secret_key_ref is None) != (source.config_map_key_ref is None),
        "set exactly one of secretKeyRef and configMapKeyRef",
    ),
)

_ORDINARY = ("cpu", "memory", "ephemeral-storage")

_RESOURCES_RULES: tuple[Rule[Resources], ...] = (
    Rule(
        "[has(self.requests) ? self.requests : {}, has(self.limits) ? self.limits : {}].all(side, side.all(name,"
        f" name in {list(_ORDINARY)} || name.contains('/') || name.startsWith('hugepages-')))",
        lambda resources: all(
            name in _ORDINARY or "/" in name or name.startswith("hugepages-")
            for name in (*resources.requests, *resources.limits)
        ),
        "write cpu, memory, ephemeral-storage, or a device with its domain, such as nvidia.com/gpu",
    ),
    Rule(
        "!has(self.limits)"
        " || self.limits.all(name, !name.contains('/') || string(self.limits[name]).matches('^[0-9]+$'))",
        lambda resources: all(
            "/" not in name or re.fullmatch("[0-9]+", str(value)) for name, value in resources.limits.items()
        ),
        'write whole devices: "nvidia.com/gpu: 1" (a slice of a GPU has its own name, such as nvidia.com/mig-1g.10gb)',
        "limits",
    ),
    Rule(
        "!has(self.requests) || self.requests.all(name, !name.contains('/') || (has(self.limits) && name in self.limits"
        " && string(self.requests[name]) == string(self.limits[name])))",
        lambda resources: all(
            "/" not in name or str(value) == str(resources.limits.get(name))
            for name, value in resources.requests.items()
        ),
        "write devices such as nvidia.com/gpu under limits (requests may repeat the same number)",
        "requests",
    ),
    Rule(
        f"!has(self.requests) || !has(self.limits) || {list(_ORDINARY)}.all(name,"
        " !(name in self.requests) || !(name in self.limits)"
        " || quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
        lambda resources: all(
            parse_quantity(resources.requests[name]) <= parse_quantity(resources.limits[name])
            for name in _ORDINARY
            if name in resources.requests and name in resources.limits
        ),
        "requests must not be above limits: lower the request or raise the limit",
        "requests",
    ),
)


class ConfigMapKeyRef(Schema):
    """One key of a ConfigMap in the same namespace."""

    name: SubdomainName
    """Name of the ConfigMap."""
    key: DataKey
    """Key in its data."""


class EnvVarSource(Schema):
    """Where the value of an environment variable comes from."""

    rules = _ENV_SOURCE_RULES

    secret_key_ref: SecretKeyRef | None = None
    """A key of a Secret of this namespace."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """A key of a ConfigMap of this namespace."""


class EnvVar(Schema):
    """An environment variable of the engine."""

    rules = _ENV_RULES

    name: Annotated[
        str,
        Field(max_length=253),
        matches("[A-Za-z_][A-Za-z0-9_]*", "write a variable name of letters, digits and _, such as GGML_CUDA_P2P"),
    ]
    """Name of the variable, such as GGML_CUDA_P2P."""
    value: Annotated[str, Field(max_length=4096)] = ""
    """Its value, as text."""
    value_from: EnvVarSource | None = None
    """Takes the value from a Secret or a ConfigMap."""


class Engine(Schema):
    """How llama-server runs."""

    rules = _ENGINE_RULES

    image: OptionalImage = ""
    """Container image with llama-server. Default: the one of this release, for the GPU that resources ask for."""
    context_length: Annotated[int | None, Field(ge=16, le=16_777_216)] = None
    """Tokens that one request may use, prompt and answer together. Default: what the model was trained for."""
    parallel: Annotated[int, Field(ge=1, le=256)] = 4
    """Slots: requests that one replica works on at the same time. Each has contextLength tokens of its own."""
    gpu_layers: Annotated[int | None, Field(ge=0, le=9999)] = None
    """Layers to keep on the GPU. Default: all that fit; 0 uses the CPU alone."""
    args: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=64)] = []
    """More arguments of llama-server, one item each, such as [--flash-attn, "on"], but for what fields here set."""
    env: Annotated[list[EnvVar], Field(max_length=64), ListMap("name")] = []
    """Environment variables of llama-server."""


_Quantities = Annotated[dict[str, Quantity], Field(max_length=8), NULL_IS_ABSENT]


class Resources(Schema):
    """What a pod of the Model asks for, as in any pod."""

    rules = _RESOURCES_RULES

    requests: _Quantities = {}
    """What the scheduler sets aside for the pod, such as {cpu: "4", memory: 8Gi}. Default: the limits."""
    limits: _Quantities = {}
    """What the pod may use at most. Devices stand here: {nvidia.com/gpu: 1}, {amd.com/gpu: 1}."""


class PodTemplateMetadata(Schema):
    """More metadata for the pods."""

    labels: Annotated[dict[str, str], Field(max_length=64), NULL_IS_ABSENT] = {}
    """More labels."""
    annotations: Annotated[dict[str, str], Field(max_length=64), NULL_IS_ABSENT] = {}
    """More annotations."""


class PodTemplate(Schema):
    """A partial PodTemplateSpec."""

    metadata: PodTemplateMetadata | None = None
    """More labels and annotations for the pods."""
    spec: dict[str, Any] = {}
    """Any part of a PodSpec, such as nodeSelector, tolerations, runtimeClassName or priorityClassName."""

"""The Model: something that can answer. Weights served by llama-server, or an external provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from auriga_api.base import API_VERSION, Locality, ObjectMeta, Schema
from auriga_api.engine import Engine, EnvVar, EnvVarSource, PodTemplate, Resources
from auriga_api.external import External, Provider
from auriga_api.fields import Price
from auriga_api.model_status import Artifact, Download, ModelStatus, Phase, Scaling
from auriga_api.quantity import Duration, GpuMemory, seconds
from auriga_api.rules import ListSet, Rule
from auriga_api.source import FileSource, HuggingFaceSource, ImageSource, Source, UrlSource, VolumeSource

__all__ = [
    "Artifact", "Autoscaling", "Capability", "Download", "Engine", "EnvVar", "EnvVarSource", "External", "FileSource",
    "HuggingFaceSource", "ImageSource", "Limits", "Model", "ModelPrivacy", "ModelSpec", "ModelStatus", "Phase",
    "PodTemplate", "Pricing", "Provider", "Resources", "Scaling", "Source", "Timeouts", "UrlSource", "VolumeSource",
]  # fmt: skip

Capability = Literal["chat", "completions", "embeddings", "tools", "vision", "prefill"]

_HERE = "is for weights that are served here: remove it, or set source instead of external"

_SPEC_RULES: tuple[Rule[ModelSpec], ...] = (
    Rule(
        "has(self.source) != has(self.external)",
        lambda spec: (spec.source is None) != (spec.external is None),
        "set exactly one of source (weights that are served here) and external (a provider)",
    ),
    Rule(
        "!has(self.external) || !has(self.autoscaling)",
        lambda spec: spec.external is None or spec.autoscaling is None,
        f"autoscaling {_HERE}",
        "autoscaling",
        "FieldValueForbidden",
    ),
    Rule(
        "!has(self.external) || !has(self.gpuMemory)",
        lambda spec: spec.external is None or spec.gpu_memory is None,
        f"gpuMemory {_HERE}",
        "gpuMemory",
        "FieldValueForbidden",
    ),
    Rule(
        "!has(self.external) || !has(self.podTemplate)",
        lambda spec: spec.external is None or spec.pod_template is None,
        f"podTemplate {_HERE}",
        "podTemplate",
        "FieldValueForbidden",
    ),
    Rule(
        "!has(self.external) || self.replicas == 1",
        lambda spec: spec.external is None or spec.replicas == 1,
        f"replicas {_HERE}",
        "replicas",
        "FieldValueForbidden",
    ),
    Rule(
        "!has(self.autoscaling) || self.replicas == 1",
        lambda spec: spec.autoscaling is None or spec.replicas == 1,
        "autoscaling sets the number of replicas: remove replicas, or remove autoscaling",
        "replicas",
        "FieldValueForbidden",
    ),
)

_AUTOSCALING_RULES: tuple[Rule[Autoscaling], ...] = (
    Rule(
        "self.minReplicas <= self.maxReplicas",
        lambda autoscaling: autoscaling.min_replicas <= autoscaling.max_replicas,
        "minReplicas must not be above maxReplicas",
        "minReplicas",
    ),
)

_TIMEOUT_RULES: tuple[Rule[Timeouts], ...] = (
    Rule(
        "[self.connect, self.firstToken, self.stall].all(part, duration(part) <= duration(self.total))",
        lambda limit: max(map(seconds, (limit.connect, limit.first_token, limit.stall))) <= seconds(limit.total),
        "total must not be below connect, firstToken or stall: it bounds the whole attempt",
        "total",
    ),
)

_MODEL_RULES: tuple[Rule[Model], ...] = (
    Rule(
        "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
        lambda model: len(model.metadata.name) <= 63 and "." not in model.metadata.name,
        "name a Model with at most 63 lower-case letters, digits and dashes: it becomes part of the names of Services",
        "metadata.name",
    ),
)


class Autoscaling(Schema):
    """Replica counts that follow the load."""

    rules = _AUTOSCALING_RULES

    min_replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    """Replicas that stay when nothing is asked; 0 frees the GPU, and the next request waits for a cold start."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Replicas at most."""
    target_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Requests in flight and queued per replica that are aimed at. About engine.parallel fits."""
    idle_timeout: Duration = "15m"
    """Time without a request after which the replicas above minReplicas go."""


class ModelPrivacy(Schema):
    """What may be sent to the Model."""

    trusted: bool = False
    """Whether private data may be sent to it although it is not in the cluster."""


class Pricing(Schema):
    """Price in US dollars per million tokens, as decimal text."""

    input_per_million: Price = "0"
    """US dollars per million tokens of prompt, such as "3"."""
    output_per_million: Price = "0"
    """US dollars per million tokens of answer, such as "15"."""


class Limits(Schema):
    """What one Model takes at once and per minute."""

    max_in_flight: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    """Requests worked on at the same time. Default: the slots of the ready replicas; no limit for a provider."""
    max_queued: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """Requests that may wait for a slot; 0 refuses them at once. Default: no limit of its own."""
    requests_per_minute: Annotated[int | None, Field(ge=1, le=1_000_000_000)] = None
    """Requests per minute. Default: no limit."""
    tokens_per_minute: Annotated[int | None, Field(ge=1, le=1_000_000_000_000)] = None
    """Tokens per minute, prompts and answers together. Default: no limit."""


class Timeouts(Schema):
    """Time limits of one attempt."""

    rules = _TIMEOUT_RULES

    connect: Duration = "2s"
    """Until the connection stands."""
    first_token: Duration = "2m"
    """From sending the request until the first token of the answer; reading a long prompt counts."""
    stall: Duration = "60s"
    """Between two tokens."""
    total: Duration = "1h"
    """For the whole attempt, its answer included."""


class ModelSpec(Schema):
    """What the user wants of a Model."""

    rules = _SPEC_RULES

    source: Source | None = None
    """Where the weights come from, for a Model that is served here. Exactly one of source and external."""
    external: External | None = None
    """The provider, for a Model that is served elsewhere. Exactly one of source and external."""
    engine: Engine = Engine()
    """How llama-server runs."""
    resources: Resources = Resources()
    """What each pod asks for, as in any pod: {limits: {nvidia.com/gpu: 1}}."""
    gpu_memory: GpuMemory | None = None
    """Memory of one GPU, such as 24Gi. With quantization auto, the best file that fits is chosen, KV cache included."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Replicas, when autoscaling is not set; 0 frees the GPU until it is raised again."""
    autoscaling: Autoscaling | None = None
    """Lets the number of replicas follow the load, down to zero. Takes the place of replicas."""
    pod_template: PodTemplate | None = None
    """A partial PodTemplateSpec that is merged last: {spec: {nodeSelector: {...}, tolerations: [...]}}."""
    capabilities: Annotated[list[Capability], Field(max_length=6), ListSet()] = []
    """What it can do. Default: chat, completions, tools, and prefill (continuing a begun answer), which all but openai
    and gemini can; vision with openai, anthropic, gemini, and where engine.args has --mmproj."""
    locality: Locality | None = None
    """Where prompts go: Cluster or Cloud. Default: Cluster for source, Cloud for external."""
    privacy: ModelPrivacy = ModelPrivacy()
    """What may be sent to it."""
    pricing: Pricing = Pricing()
    """What it costs, for the strategy LeastCost and for metrics."""
    limits: Limits = Limits()
    """What it takes at once and per minute."""
    timeouts: Timeouts = Timeouts()
    """Time limits of one attempt."""
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=63)]], Field(max_length=32), ListSet()] = []
    """Words to find it by, such as [multilingual, fast]."""
    suspended: bool = False
    """Takes it out of service and frees its GPU, without losing its weights."""

    @property
    def effective_locality(self) -> Locality:
        """``locality``, or by default Cluster for weights served here and Cloud for a provider."""
        return self.locality or ("Cloud" if self.external else "Cluster")

    @property
    def effective_capabilities(self) -> frozenset[Capability]:
        """``capabilities``, or by default what the engine or the provider is known to do."""
        if self.capabilities:
            return frozenset(self.capabilities)
        default: set[Capability] = {"chat", "completions", "tools"}
        if self.external is None or self.external.provider not in ("openai", "gemini"):
            default.add("prefill")
        if self._sees:
            default.add("vision")
        return frozenset(default)

    @property
    def _sees(self) -> bool:
        if self.external is not None:
            return self.external.provider in ("openai", "anthropic", "gemini")
        return any(argument.startswith("--mmproj") for argument in self.engine.args)


class Model(Schema):
    """Something that can answer: weights served here by llama-server, or an external provider."""

    rules = _MODEL_RULES

    api_version: Literal["auriga.dev/v1alpha1"] = API_VERSION
    """auriga.dev/v1alpha1"""
    kind: Literal["Model"] = "Model"
    """Model"""
    metadata: ObjectMeta
    """Name, namespace, labels."""
    spec: ModelSpec
    """What is wanted of it."""
    status: ModelStatus | None = None
    """What is true of it now."""

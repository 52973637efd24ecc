"""From manifests to what this machine is to run. Pure: the engine and whether there is a GPU are passed in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from auriga_api.base import SecretKeyRef
from auriga_api.manifests import Manifests
from auriga_api.model import EnvVar, Model, Source
from auriga_cli.engines.detect import INSTALL
from auriga_cli.engines.engine import Engine, unsupported
from auriga_cli.local.memory import DEFAULT_CONTEXT
from auriga_cli.local.state import Blocked, Wanted, WeightsRequest
from auriga_operator.objects.weights import room

Secrets = Mapping[str, Mapping[str, bytes]]
"""Secret key -> its decoded values by key."""


def desired(manifests: Manifests, engine: Engine | None, *, gpu: bool) -> dict[str, Wanted]:
    """What is to run, by Model key; Models of external providers run nothing here."""
    secrets = {key: secret.values() for key, secret in manifests.secrets.items()}
    return {
        key: _wanted(model, model.spec.source, _base(manifests, key), secrets, engine, gpu=gpu)
        for key, model in manifests.models.items()
        if model.spec.source
    }


def missing_secret(reference: SecretKeyRef, namespace: str, secrets: Secrets, field: str) -> Blocked | None:
    """Why ``reference`` cannot be followed, or None."""
    values = secrets.get(f"{namespace}/{reference.name}")
    if values is None:
        return Blocked(
            "SecretMissing",
            f"{field}: there is no Secret {namespace}/{reference.name}: add it to the files given with -f",
        )
    if reference.key not in values:
        found = ", ".join(sorted(values)) or "none"
        return Blocked(
            "SecretKeyMissing",
            f"{field}: the Secret {namespace}/{reference.name} has no key {reference.key!r} (its keys: {found})",
        )
    return None


def _base(manifests: Manifests, key: str) -> str:
    origin = manifests.origins.get(("Model", key))
    return str(PurePath(origin.file).parent) if origin else "."


def _wanted(model: Model, origin: Source, base: str, secrets: Secrets, engine: Engine | None, *, gpu: bool) -> Wanted:
    spec = model.spec
    request, no_token = _request(model, origin, base, secrets)
    env, no_env = _environment(spec.engine.env, model.metadata.namespace, secrets)
    args = tuple(spec.engine.args)
    capabilities = spec.effective_capabilities
    on_gpu = gpu and spec.engine.gpu_layers != 0
    embeddings = "embeddings" in capabilities and not capabilities & {"chat", "completions"}
    shape = (spec.engine.context_length, spec.engine.parallel, spec.engine.gpu_layers, embeddings, args)
    return Wanted(
        model=model.metadata.key,
        name=model.metadata.name,
        replicas=_replicas(model),
        request=request,
        revision=_digest([request.id, shape, env, engine.program if engine else ()]),
        context_length=spec.engine.context_length,
        parallel=spec.engine.parallel,
        gpu_layers=spec.engine.gpu_layers,
        embeddings=embeddings,
        args=args,
        env=env,
        secrets=tuple(env[each.name] for each in spec.engine.env if each.value_from and each.name in env),
        on_gpu=on_gpu,
        blocked=_no_engine(engine) or no_token or no_env or _bad_args(engine, args),
        autoscaling=None if spec.suspended else spec.autoscaling,
    )


def _replicas(model: Model) -> int:
    if model.spec.suspended:
        return 0
    if model.spec.autoscaling:
        return 0  # until its load is known: `demand` and `turns` say
    return model.spec.replicas


def _request(model: Model, origin: Source, base: str, secrets: Secrets) -> tuple[WeightsRequest, Blocked | None]:
    namespace, engine = model.metadata.namespace, model.spec.engine
    source: dict[str, Any] = origin.model_dump(by_alias=True, exclude_none=True)
    token, blocked = "", None
    reference = origin.hugging_face.token_secret_ref if origin.hugging_face else None
    if reference:
        blocked = missing_secret(reference, namespace, secrets, "spec.source.huggingFace.tokenSecretRef")
        token = "" if blocked else _text(secrets, namespace, reference)
    here = base if origin.file else ""
    context = engine.context_length or DEFAULT_CONTEXT
    gpus = room(model)
    number = _digest([source, here, token, context, engine.parallel, str(gpus)])
    return WeightsRequest(number, source, base, context, engine.parallel, token, gpus), blocked


def _environment(variables: list[EnvVar], namespace: str, secrets: Secrets) -> tuple[dict[str, str], Blocked | None]:
    values: dict[str, str] = {}
    for index, variable in enumerate(variables):
        field = f"spec.engine.env[{index}].valueFrom"
        reference = variable.value_from.secret_key_ref if variable.value_from else None
        if variable.value_from and reference is None:
            return {}, Blocked("Unsupported", f"{field}: a ConfigMap is not read in local mode: write the value itself")
        if reference is None:
            values[variable.name] = variable.value
        elif blocked := missing_secret(reference, namespace, secrets, f"{field}.secretKeyRef"):
            return {}, blocked
        else:
            values[variable.name] = _text(secrets, namespace, reference)
    return values, None


def _text(secrets: Secrets, namespace: str, reference: SecretKeyRef) -> str:
    return secrets[f"{namespace}/{reference.name}"][reference.key].decode(errors="replace").strip()


def _no_engine(engine: Engine | None) -> Blocked | None:
    return None if engine else Blocked("NoEngine", f"this machine has no engine to serve it with: {INSTALL}")


def _bad_args(engine: Engine | None, args: tuple[str, ...]) -> Blocked | None:
    message = unsupported(engine, args) if engine else ""
    return Blocked("InvalidArguments", message) if message else None


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]

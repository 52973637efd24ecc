"""The fetch as a function: from a request to verified files. Blocking; reports through ``on_event``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auriga_api.model import Artifact, HuggingFaceSource, UrlSource
from auriga_operator.weights import disk, file_source, gguf_header, hub, memory, transfer
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.events import Done, OnEvent
from auriga_operator.weights.fetched import Fetched
from auriga_operator.weights.gguf_header import Header
from auriga_operator.weights.hub import Hub, HubSettings
from auriga_operator.weights.hub_source import HubFetch
from auriga_operator.weights.mismatch import Mismatches
from auriga_operator.weights.progress import Reporter
from auriga_operator.weights.remote_header import RemoteHeaders
from auriga_operator.weights.request import Request
from auriga_operator.weights.retry import DEFAULT, Policy
from auriga_operator.weights.store import HubCache
from auriga_operator.weights.transfer import Transfer
from auriga_operator.weights.url_source import UrlFetch
from auriga_operator.weights.verified import Verified


@dataclass(frozen=True, slots=True)
class Context:
    """What a fetch takes from outside, besides its request."""

    hub: HubSettings
    policy: Policy = DEFAULT
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.time)


def fetch(request: Request, on_event: OnEvent, context: Context | None = None) -> Done:
    """Bring the weights of ``request`` here. Raises WeightsError; may be repeated at any time, and then resumes.

    ``on_event`` gets Resolved and Progress; Done is what is returned. Without ``context`` the environment is asked.
    """
    context = context or Context(HubSettings.from_environment())
    report = Reporter(on_event)
    try:
        fetched = _fetched(request, context, report)
        return _done(request, fetched)
    except OSError as error:
        if request.source.file is not None:
            raise disk.unreadable(Path(request.source.file.path), error) from error
        raise disk.refused(request.cache_folder, error) from error


def _fetched(request: Request, context: Context, report: Reporter) -> Fetched:
    source = request.source
    if source.hugging_face is not None:
        return _from_hub(source.hugging_face, request, context, report)
    if source.url is not None:
        return _from_url(source.url, request.cache_folder, context, report)
    if source.file is not None:
        fetched = file_source.fetch(source.file, Path(request.base))
        report.resolved(fetched.artifact, {fetched.artifact.file: fetched.artifact.size_bytes})
        return fetched
    kind = "volume" if source.volume is not None else "image"
    raise WeightsError(
        Reason.UNSUPPORTED, f"source.{kind} is for a cluster, which mounts it; use huggingFace, url or file here"
    )


def _from_hub(spec: HuggingFaceSource, request: Request, context: Context, report: Reporter) -> Fetched:
    settings, policy, cache = context.hub, context.policy, request.cache_folder
    own = HubCache(cache / "hub")
    shared = HubCache(settings.shared_cache) if settings.shared_cache and settings.shared_cache != own.root else None
    with transfer.client(policy, hub.authorizer(settings)) as client:
        return HubFetch(
            spec=spec,
            hub=Hub(settings, spec.repo, spec.revision, policy, context.sleep, report.retrying),
            own=own,
            shared=shared,
            verified=Verified(cache / "verified"),
            mismatches=Mismatches(cache / "mismatched", context.clock),
            headers=RemoteHeaders(client, policy, context.sleep, report.retrying),
            need=request.need,
            transfer=Transfer(client, policy, context.sleep, report.retrying),
            report=report,
        ).fetch()


def _from_url(spec: UrlSource, cache: Path, context: Context, report: Reporter) -> Fetched:
    with transfer.client(context.policy) as client:
        return UrlFetch(
            spec=spec,
            root=cache / "url",
            verified=Verified(cache / "verified"),
            mismatches=Mismatches(cache / "mismatched", context.clock),
            transfer=Transfer(client, context.policy, context.sleep, report.retrying),
            report=report,
        ).fetch()


def _done(request: Request, fetched: Fetched) -> Done:
    headers = [gguf_header.read(path) for path in fetched.paths]
    first = headers[0]
    if first.shards != len(headers):
        raise WeightsError(
            Reason.NO_SUITABLE_FILE,
            f"{fetched.paths[0].name} is one of {first.shards} parts, and not all are here: use source.huggingFace, or "
            "source.file with all parts beside each other, or join them with llama-gguf-split --merge",
        )
    return Done(
        path=str(fetched.paths[0].absolute()),
        artifact=_described(request, fetched.artifact, first, sum(header.parameters for header in headers)),
        has_chat_template=bool(first.chat_template),
    )


def _described(request: Request, artifact: Artifact, header: Header, parameters: int) -> Artifact:
    needed = memory.estimate(header, artifact.size_bytes, request.context_length, request.parallel)
    return artifact.model_copy(
        update={
            "quantization": artifact.quantization or header.quantization,
            "architecture": header.architecture,
            "context_length": header.context_length,
            "parameters": parameters,
            "vram_required": needed.total,
        }
    )

"""Where the weights of a served Model come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auriga_api.base import Schema, SecretKeyRef, SubdomainName
from auriga_api.fields import FilePath, HttpUrl, ImageReference, PathInside
from auriga_api.rules import Rule, matches

_KINDS = ("huggingFace", "url", "volume", "image", "file")
_SOURCE_RULES: tuple[Rule[Source], ...] = (
    Rule(
        f"[{', '.join(f'has(self.{kind})' for kind in _KINDS)}].filter(given, given).size() == 1",
        lambda source: len(source.model_fields_set) == 1,
        "set exactly one of huggingFace, url, volume, image and file",
    ),
)


class HuggingFaceSource(Schema):
    """A repository of a Hugging Face hub."""

    repo: Annotated[
        str,
        Field(max_length=200),
        matches(
            "[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*",
            "write OWNER/NAME as the hub shows it, such as Qwen/Qwen3-8B-GGUF; file and quantization stand apart",
        ),
    ]
    """Repository with GGUF files, as OWNER/NAME, such as Qwen/Qwen3-8B-GGUF."""
    revision: Annotated[
        str,
        Field(max_length=200),
        matches("[A-Za-z0-9][A-Za-z0-9._/-]*", "write a branch, a tag or a commit of the repository, such as main"),
    ] = "main"
    """Branch, tag or commit. A commit never changes; a branch is resolved once and then kept."""
    file: Annotated[
        str,
        Field(max_length=500),
        Rule(
            "!self.startsWith('/') && !self.split('/').exists(part, part == '..')",
            lambda path: not path.startswith("/") and ".." not in path.split("/"),
            "write a path or a pattern inside the repository, such as *Q4_K_M*.gguf, without a leading / or ..",
        ),
    ] = ""
    """The file, or a pattern such as *Q4_K_M*.gguf. Shards (-00001-of-00003) are one. Default: by quantization."""
    quantization: Annotated[
        str,
        Field(max_length=32),
        matches("[A-Za-z0-9][A-Za-z0-9_.-]*", "write auto, or a quantization as file names have it, such as Q4_K_M"),
    ] = "auto"
    """Quantization, as file names have it, such as Q4_K_M; auto takes the best one that fits into gpuMemory."""
    token_secret_ref: SecretKeyRef | None = None
    """Access token for private and gated repositories, in a Secret of this namespace."""


class UrlSource(Schema):
    """One GGUF file behind an http or https address."""

    url: HttpUrl
    """Address of the file, such as https://mirror.example.com/qwen3-8b-q4_k_m.gguf."""
    sha256: Annotated[
        str,
        Field(max_length=64),
        matches("([0-9a-fA-F]{64})?", "write the 64 hexadecimal digits that sha256sum prints for the file"),
    ] = ""
    """Checksum that the file must have, as sha256sum prints it. Default: not checked."""


class VolumeSource(Schema):
    """Weights that already lie on a PersistentVolumeClaim."""

    claim_name: SubdomainName
    """Name of a PersistentVolumeClaim in this namespace."""
    path: PathInside
    """The GGUF file (the first one, if it is sharded), from the root of the volume, such as models/qwen3-8b.gguf."""


class ImageSource(Schema):
    """Weights in an OCI image."""

    reference: ImageReference
    """The image, such as registry.example.com/models/qwen3-8b:q4."""
    path: PathInside
    """The GGUF file (the first one, if it is sharded), from the root of the image, such as models/qwen3-8b.gguf."""


class FileSource(Schema):
    """A file on the node, or, in local mode, on this machine."""

    path: FilePath
    """The GGUF file (the first one, if it is sharded): absolute, or, in local mode, relative to the manifest."""


class Source(Schema):
    """Where the weights come from: exactly one of these."""

    rules = _SOURCE_RULES

    hugging_face: HuggingFaceSource | None = None
    """A repository of the Hugging Face hub, or of a mirror of it."""
    url: UrlSource | None = None
    """One GGUF file behind an http or https address."""
    volume: VolumeSource | None = None
    """Weights that already lie on a PersistentVolumeClaim: nothing is downloaded."""
    image: ImageSource | None = None
    """Weights in an OCI image, pulled by the node."""
    file: FileSource | None = None
    """A file on the node, or, in local mode, on this machine."""

"""Weights that are here already: a file on this machine or node, with its shards beside it."""

from __future__ import annotations

from pathlib import Path

from auriga_api.model import Artifact, FileSource
from auriga_api.model_status import FILES_THERE
from auriga_operator.weights import quantization, text
from auriga_operator.weights.choose import shard_names
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.fetched import Fetched


def fetch(spec: FileSource, base: Path) -> Fetched:
    """``base``: where a relative path starts from. Raises WeightsError (FileNotFound, NoSuitableFile)."""
    path = Path(base, Path(spec.path).expanduser()).absolute()
    if path.is_dir():
        raise WeightsError(Reason.NO_SUITABLE_FILE, f"source.file.path is the folder {path}{_there(path)}")
    paths = tuple(path.with_name(name) for name in shard_names(path.name))
    for each in (path, *paths):
        if not each.is_file():
            part = f", a part of {path.name}," if each != path else ""
            raise WeightsError(
                Reason.FILE_NOT_FOUND, f"source.file.path: {each}{part} is not there{_there(each.parent)}"
            )
    size = sum(each.stat().st_size for each in paths)
    artifact = Artifact(file=paths[0].name, size_bytes=size, quantization=quantization.of_file(path.name))
    return Fetched(paths, artifact)


def _there(folder: Path) -> str:
    """What the user may have meant."""
    if not folder.is_dir():
        return f"; there is no folder {folder}"
    files = [(each.name, each.stat().st_size) for each in folder.glob("*.gguf") if each.is_file()]
    return f"{FILES_THERE}{folder}: {text.listing(files)}" if files else f"; {folder} holds no GGUF files"

"""What every source gives in the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auriga_api.model import Artifact


@dataclass(frozen=True, slots=True)
class Fetched:
    """Files that are whole and verified, shards in their order; ``paths[0]`` is what llama.cpp loads."""

    paths: tuple[Path, ...]
    artifact: Artifact

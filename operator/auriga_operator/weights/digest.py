"""What a file's content must be: a sha256, or git's own hash for small files that a hub keeps in plain git."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hashlib import _Hash

CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash and its algorithm; ``str()`` as messages show it."""

    algorithm: Literal["sha256", "git-sha1"]
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def hasher(algorithm: Literal["sha256", "git-sha1"], size: int) -> _Hash:
    """A fresh hash object; git's covers a head with the file's size too."""
    if algorithm == "sha256":
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def of_file(path: Path, algorithm: Literal["sha256", "git-sha1"]) -> Digest:
    """The hash of a whole file."""
    hash_ = hasher(algorithm, path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hash_.update(chunk)
    return Digest(algorithm, hash_.hexdigest())

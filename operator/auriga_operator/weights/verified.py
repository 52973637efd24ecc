"""Remembers which files were hashed and right, so that a restart does not read gigabytes again.

One small JSON file for each digest: size and modification time of the content when it was verified. A file that was
touched since is hashed again.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from auriga_operator.weights.digest import Digest


@dataclass(frozen=True, slots=True)
class Verified:
    """The memory under ``folder``; created when first needed."""

    folder: Path

    def knows(self, digest: Digest, path: Path) -> bool:
        """Whether ``path`` holds, as far as its size and time tell, what was verified as ``digest``."""
        try:
            remembered = json.loads(self._entry(digest).read_bytes())
        except (OSError, ValueError):
            return False
        return bool(remembered == _stamp(path))

    def remember(self, digest: Digest, path: Path) -> None:
        """Best effort: without a writable cache the next start hashes again."""
        entry = self._entry(digest)
        with contextlib.suppress(OSError):
            entry.parent.mkdir(parents=True, exist_ok=True)
            temporary = entry.with_name(f"{entry.name}.{os.getpid()}.tmp")
            temporary.write_text(json.dumps(_stamp(path)))
            temporary.replace(entry)

    def _entry(self, digest: Digest) -> Path:
        return self.folder / f"{digest.algorithm}-{digest.value}.json"


def _stamp(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtimeNs": stat.st_mtime_ns}

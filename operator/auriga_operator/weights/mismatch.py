"""Remembers content that proved wrong, so that the same gigabytes are not downloaded again and again to no end.

One small JSON file for each address and digest. The first time may have been an accident on the way; when the same
comes twice, it is what the address holds, and is left there until the server tells of another file, or for hours.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from auriga_operator.weights import text
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.transfer import MismatchError, Remote

ENOUGH = 2
"""Times that the same wrong content has to come before it counts as what is there."""
HOLD = 6 * 3600.0
"""Seconds for which it then is not downloaded again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came instead, how often in a row, when last, and the server's mark of it."""

    digest: str
    times: int
    at: float
    validator: str


@dataclass(frozen=True, slots=True)
class Mismatches:
    """The memory under ``folder``; created when first needed. Best effort: without it everything is tried again."""

    folder: Path
    clock: Callable[[], float] = field(default=time.time)

    @contextmanager
    def watching(self, remote: Remote, advice: str) -> Iterator[None]:
        """Around a download. Raises WeightsError (HashMismatch) before it where it would be in vain, and after one
        that was; ``advice`` says what a person can do."""
        entry = self._entry(remote)
        known = _load(entry)
        if known and self._held(known, remote):
            raise _error(remote, known, advice)
        try:
            yield
        except MismatchError as error:
            seen = self._again(known, str(error.seen), remote)
            _save(entry, seen)
            raise _error(remote, seen, advice) from error
        if known:
            entry.unlink(missing_ok=True)

    def _held(self, known: Seen, remote: Remote) -> bool:
        recent = self.clock() - known.at < HOLD
        return known.times >= ENOUGH and recent and known.validator == remote.validator

    def _again(self, known: Seen | None, digest: str, remote: Remote) -> Seen:
        same = known is not None and (known.digest, known.validator) == (digest, remote.validator)
        return Seen(digest, known.times + 1 if known and same else 1, self.clock(), remote.validator)

    def _entry(self, remote: Remote) -> Path:
        name = hashlib.sha256(f"{remote.url} {remote.expected}".encode()).hexdigest()[:24]
        return self.folder / f"{name}.json"


def _load(entry: Path) -> Seen | None:
    try:
        return Seen(**json.loads(entry.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _save(entry: Path, seen: Seen) -> None:
    with contextlib.suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_text(json.dumps(asdict(seen)))


def _error(remote: Remote, seen: Seen, advice: str) -> WeightsError:
    expected: Digest | None = remote.expected
    then = (
        f"it came {seen.times} times, and is downloaded again when the server tells of another file, else after "
        f"{HOLD / 3600:.0f} hours"
        if seen.times >= ENOUGH
        else "the download was deleted, the next try starts afresh"
    )
    return WeightsError(
        Reason.HASH_MISMATCH,
        f"{text.public_url(remote.url)} was downloaded, but is not the file it should be: expected {expected}, got "
        f"{seen.digest}; {advice}; {then}",
    )

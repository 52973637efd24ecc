"""Weights behind one http or https address: resumed, verified, not downloaded twice.

<cache>/url/<hash of the address>/<name>                     the file
                                 /source.json                what it was when it came
                                 /<name>.<mark>.incomplete   on its way; the mark is of the server's validator
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from auriga_api.model import Artifact, UrlSource
from auriga_operator.weights import disk, lock, probe, quantization, retry, text
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.fetched import Fetched
from auriga_operator.weights.mismatch import Mismatches
from auriga_operator.weights.probe import Record
from auriga_operator.weights.progress import Reporter
from auriga_operator.weights.transfer import Remote, SourceChangedError, Transfer
from auriga_operator.weights.verified import Verified

logger = logging.getLogger(__name__)

CHANGES = 3
"""How often a file may change under our hands before we give up."""


@dataclass(frozen=True, slots=True)
class UrlFetch:
    """One fetch from one address."""

    spec: UrlSource
    root: Path
    verified: Verified
    mismatches: Mismatches
    transfer: Transfer
    report: Reporter

    def fetch(self) -> Fetched:
        """Raises WeightsError."""
        if self._expected and self._path.is_file() and self.verified.knows(self._expected, self._path):
            return self._cached(self._expected.value)
        with lock.held(self._folder / ".lock", lambda: None):
            for _ in range(CHANGES):
                try:
                    return self._fetch()
                except SourceChangedError:
                    logger.warning("%s changed during the download; starting again", self._shown)
        raise WeightsError(Reason.FAILED, f"{self._shown} changes faster than it can be downloaded: try again later")

    def _fetch(self) -> Fetched:
        known = probe.load(self._folder / "source.json", self._path)
        try:
            seen = self._probe(known)
        except WeightsError as error:
            if error.reason is not Reason.UNREACHABLE or known is None or not self._wanted(known):
                raise
            logger.warning("%s; using the file in the cache", error)
            return self._cached(known.sha256)
        if seen is None and known is not None:
            return self._unchanged(known)
        return self._download(seen or Record())

    def _probe(self, known: Record | None) -> Record | None:
        """What is at the address now; None when it is what ``known`` says."""
        policy = self.transfer.policy
        if known is not None and self._wanted(known):
            policy = policy.with_cache()
        ask = partial(probe.ask, self.transfer.client, self.spec.url, known)
        return retry.persist(ask, policy, self.transfer.sleep, self._shown, self.transfer.tell)

    def _unchanged(self, known: Record) -> Fetched:
        if not self._wanted(known):
            raise WeightsError(
                Reason.HASH_MISMATCH,
                f"{self._shown} is not the file it should be: expected {self._expected}, got sha256:{known.sha256}; "
                "correct source.url.sha256 or the address",
            )
        self.verified.remember(Digest("sha256", known.sha256), self._path)
        return self._cached(known.sha256)

    def _wanted(self, known: Record) -> bool:
        return self._expected is None or self._expected.value == known.sha256

    def _cached(self, sha256: str) -> Fetched:
        artifact = self._artifact(self._path.stat().st_size, sha256)
        self.report.resolved(artifact, {self._path.name: artifact.size_bytes})
        self.report.finished()
        return Fetched((self._path,), artifact)

    def _download(self, seen: Record) -> Fetched:
        path = self._partial(seen)
        have = path.stat().st_size if path.is_file() else 0
        self.report.resolved(self._artifact(seen.size or 0, self.spec.sha256), {self._path.name: have})
        if seen.size:
            disk.require(max(0, seen.size - have), self._folder)
        resumable = bool(seen.validator or self._expected)
        remote = Remote(self.spec.url, seen.size, self._expected, seen.validator, resumable)
        on_bytes, refused = self.report.file(self._path.name), probe.refused(self.spec.url)
        with self.mismatches.watching(remote, "correct source.url.sha256 or the address"):
            digest = self.transfer.download(remote, path, on_bytes, refused)
        path.replace(self._path)
        probe.save(self._folder / "source.json", seen, self._path, digest.value)
        self.verified.remember(digest, self._path)
        self.report.finished()
        return Fetched((self._path,), self._artifact(self._path.stat().st_size, digest.value))

    def _partial(self, seen: Record) -> Path:
        """The unfinished file of this very content; those of earlier contents are removed."""
        mark = hashlib.sha256(f"{seen.validator}|{seen.size}|{self.spec.sha256}".encode()).hexdigest()[:12]
        path = self._path.with_name(f"{self._path.name}.{mark}.incomplete")
        for other in self._folder.glob("*.incomplete"):
            if other != path:
                other.unlink(missing_ok=True)
        return path

    def _artifact(self, size: int, sha256: str) -> Artifact:
        name = self._path.name
        return Artifact(file=name, sha256=sha256, size_bytes=size, quantization=quantization.of_file(name))

    @property
    def _expected(self) -> Digest | None:
        return Digest("sha256", self.spec.sha256.lower()) if self.spec.sha256 else None

    @property
    def _folder(self) -> Path:
        return self.root / hashlib.sha256(self.spec.url.encode()).hexdigest()[:24]

    @property
    def _path(self) -> Path:
        return self._folder / file_name(self.spec.url)

    @property
    def _shown(self) -> str:
        return text.public_url(self.spec.url)


def file_name(url: str) -> str:
    """The last part of the address as a plain file name; ``model.gguf`` where that is none."""
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    name = re.sub(r"[^A-Za-z0-9._-]", "_", last).lstrip(".")
    return name if name.lower().endswith(".gguf") else "model.gguf"

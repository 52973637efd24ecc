"""Weights from a hub: resolve, choose, bring what is missing, remember what was verified."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auriga_api.model import Artifact, HuggingFaceSource
from auriga_operator.weights import digest, disk, gguf_header, lock
from auriga_operator.weights.choose import Candidate, RepoFile, choose, variants
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.fetched import Fetched
from auriga_operator.weights.fit import Need, best
from auriga_operator.weights.gguf_header import Header
from auriga_operator.weights.hub import Hub, digest_of
from auriga_operator.weights.mismatch import Mismatches
from auriga_operator.weights.progress import Reporter
from auriga_operator.weights.remote_header import RemoteHeaders
from auriga_operator.weights.store import HubCache
from auriga_operator.weights.transfer import SourceChangedError, Transfer
from auriga_operator.weights.verified import Verified

logger = logging.getLogger(__name__)

Resolution = tuple[str, Candidate, Header | None]
"""A commit, the files, and the header of one of them where that had to be read."""


@dataclass(frozen=True, slots=True)
class HubFetch:
    """One fetch from one repository."""

    spec: HuggingFaceSource
    hub: Hub
    own: HubCache
    shared: HubCache | None
    verified: Verified
    mismatches: Mismatches
    headers: RemoteHeaders
    need: Need | None
    """What is to fit into GPUs, where their memory is known."""
    transfer: Transfer
    report: Reporter

    def fetch(self) -> Fetched:
        """Raises WeightsError."""
        commit, chosen, header = self._resolve()
        artifact = self._artifact(commit, chosen, header)
        have = {file.path: self._here(commit, file) for file in chosen.files}
        self.report.resolved(artifact, have)
        self._require_space(chosen.files, have)
        paths = tuple(self._bring(commit, file) for file in chosen.files)
        self.own.remember_commit(self.spec.repo, self.spec.revision, commit)
        self.report.finished()
        return Fetched(paths, artifact)

    def _resolve(self) -> Resolution:
        """The commit and the files, from the hub, or from the caches when it is away or not to be asked."""
        if self.hub.settings.offline:
            return self._cached()
        try:
            cached: Resolution | None = self._cached()
        except WeightsError:
            cached = None
        try:
            listing = self.hub.listing(self.hub.policy.with_cache() if cached else self.hub.policy)
        except WeightsError as error:
            if cached is None or error.reason is not Reason.UNREACHABLE:
                raise
            logger.warning("%s; using what the cache holds of %s", error, self.spec.repo)
            return cached
        chosen, header = self._choose(listing.commit, listing.files, self._where(self.hub.settings.endpoint))
        return listing.commit, self._complete(listing.commit, chosen), header

    def _choose(self, commit: str, files: Sequence[RepoFile], where: str) -> tuple[Candidate, Header | None]:
        """The files that are meant; with the header of one of them, where that had to be read to choose."""
        named = any(file.path == self.spec.file for file in files)
        if self.need is None or named or self.spec.quantization.lower() != "auto":
            return choose(files, self.spec.file, self.spec.quantization, where), None
        candidates = [self._sized(commit, each) for each in variants(files, self.spec.file, where)]
        header = self._header(commit, [each.files[0] for each in candidates])
        return best(candidates, header, self.need, where), header

    def _sized(self, commit: str, candidate: Candidate) -> Candidate:
        return candidate if all(file.size for file in candidate.files) else self._complete(commit, candidate)

    def _complete(self, commit: str, chosen: Candidate) -> Candidate:
        files = tuple(self.hub.complete(commit, file) for file in chosen.files)
        return Candidate(files, chosen.shards, chosen.quantization)

    def _header(self, commit: str, files: Sequence[RepoFile]) -> Header:
        """All quantizations of a model have the same shape, so one file tells it for all; rather one that is here."""
        here = next(filter(None, (self._find(commit, file) for file in files)), None)
        if here is not None:
            return gguf_header.read(here)
        remote = self.hub.remote(commit, files[0])
        return self.headers.read(remote.url, self.hub.refused(files[0].path))

    def _cached(self) -> Resolution:
        """What the caches would serve by themselves."""
        for cache in self._caches():
            commit = cache.commit(self.spec.repo, self.spec.revision)
            files = cache.files(self.spec.repo, commit) if commit else ()
            if files:
                return commit, *self._choose(commit, files, self._where("the cache"))
        places = " or ".join(str(cache.root) for cache in self._caches())
        raise WeightsError(
            Reason.UNREACHABLE,
            f"HF_HUB_OFFLINE is set and {self.spec.repo} at {self.spec.revision} is not in {places}: "
            "unset it, or fetch the model once while online",
        )

    def _caches(self) -> tuple[HubCache, ...]:
        return (self.own, self.shared) if self.shared else (self.own,)

    def _where(self, place: str) -> str:
        return f"{self.spec.repo} at {self.spec.revision} ({place})"

    def _artifact(self, commit: str, chosen: Candidate, header: Header | None) -> Artifact:
        estimate = self.need.of(header, chosen) if self.need and header else None
        return Artifact(
            repo=self.spec.repo,
            revision=commit,
            file=chosen.name,
            sha256=chosen.files[0].sha256,
            size_bytes=chosen.size,
            quantization=chosen.quantization,
            vram_required=estimate.total if estimate else 0,
        )

    def _here(self, commit: str, file: RepoFile) -> int:
        """Bytes of ``file`` that need not be downloaded."""
        if self._find(commit, file) is not None:
            return file.size
        partial = self.own.partial(self.spec.repo, digest_of(file).value)
        return min(partial.stat().st_size, file.size) if partial.is_file() else 0

    def _require_space(self, files: Sequence[RepoFile], have: dict[str, int]) -> None:
        needed = sum(file.size - have[file.path] for file in files)
        if needed:
            disk.make_folder(self.own.root)
            disk.require(needed, self.own.root)

    def _find(self, commit: str, file: RepoFile) -> Path | None:
        found = (cache.find(self.spec.repo, commit, file) for cache in self._caches())
        return next((path for path in found if path is not None), None)

    def _bring(self, commit: str, file: RepoFile) -> Path:
        """The path of ``file`` in our snapshot of ``commit``, whole and verified."""
        expected = digest_of(file)
        path = self.own.find(self.spec.repo, commit, file)
        # Without links a cache does not tell the hash of its files: then offline, what is here is taken as it is.
        if path is not None and (not expected.value or self.verified.knows(expected, path)):
            return self.own.link(self.spec.repo, commit, file, path)
        partial = self.own.partial(self.spec.repo, expected.value)
        on_bytes = self.report.file(file.path)

        def waiting() -> None:
            if partial.is_file():
                on_bytes(partial.stat().st_size)

        with lock.held(self.own.lock(self.spec.repo, expected.value), waiting):
            content = self._checked(commit, file) or self._download(commit, file, partial)
            if expected.value:
                self.verified.remember(expected, content)
            on_bytes(file.size)
            return self.own.link(self.spec.repo, commit, file, content)

    def _checked(self, commit: str, file: RepoFile) -> Path | None:
        """The content of ``file`` in one of the caches, hashed unless that was done before."""
        expected = digest_of(file)
        for cache in self._caches():
            path = cache.find(self.spec.repo, commit, file)
            if path is None:
                continue
            if not expected.value or self.verified.knows(expected, path):
                return path
            if digest.of_file(path, expected.algorithm) == expected:
                return path
            logger.warning("%s is damaged (it is not %s); downloading it again", path, expected)
            if cache is self.own:
                cache.discard(path)
        return None

    def _download(self, commit: str, file: RepoFile, partial: Path) -> Path:
        disk.make_folder(partial.parent)
        remote = self.hub.remote(commit, file)
        try:
            with self.mismatches.watching(remote, "check HF_ENDPOINT, and what a proxy on the way may do to it"):
                self.transfer.download(remote, partial, self.report.file(file.path), self.hub.refused(file.path))
        except SourceChangedError as error:
            raise WeightsError(
                Reason.HASH_MISMATCH, f"{file.path} of {self.spec.repo} is not {file.size} bytes long as the hub stated"
            ) from error
        blob = self.own.blob(self.spec.repo, digest_of(file).value)
        try:
            partial.replace(blob)
        except FileNotFoundError:
            # Where there are no locks, another process was faster with the same file.
            if not blob.is_file():
                raise
        return blob

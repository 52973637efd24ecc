"""A Hugging Face hub (or a mirror of one): revision to commit, list of files, addresses. Reads, never stores.

huggingface-hub asks and names; the bytes are brought by ``transfer``, because since 2.0 the library deletes what came
before a cut (it writes to a file of a random name), and a model of 40 GB must not begin again. A file that the hub
keeps in Xet storage is fetched over the same address as any other: the hub's bridge puts it together, with ranges.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, ModelInfo, constants, get_hf_file_metadata, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.file_download import REGEX_COMMIT_HASH, REGEX_SHA256, HfFileMetadata

from auriga_operator.weights import http_errors, refusals, retry
from auriga_operator.weights.choose import RepoFile
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.refusals import Subject
from auriga_operator.weights.retry import Policy, Tell, untold
from auriga_operator.weights.transfer import Refused, Remote

T = TypeVar("T")

# What it warns of, we report; its own lines would come between.
logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class HubSettings:
    """What the environment says about the hub, in the variables that all its tools share."""

    endpoint: str
    token: str = field(default="", repr=False)
    offline: bool = False
    shared_cache: Path | None = None

    @classmethod
    def from_environment(cls) -> HubSettings:
        """HF_ENDPOINT, HF_TOKEN (else the login of ``hf auth login``), HF_HUB_OFFLINE, HF_HUB_CACHE or HF_HOME."""
        # To the library HF_TOKEN is implicit too; here it is how a Model's own Secret arrives.
        implicit = "" if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        return cls(
            endpoint=constants.ENDPOINT,
            token=os.environ.get("HF_TOKEN", "").strip() or implicit or "",
            offline=constants.is_offline_mode(),
            shared_cache=Path(constants.HF_HUB_CACHE),
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one commit."""

    commit: str
    files: tuple[RepoFile, ...]


@dataclass(frozen=True, slots=True)
class Hub:
    """One hub, asked about one repository at one revision."""

    settings: HubSettings
    repo: str
    revision: str
    policy: Policy
    sleep: Callable[[float], None]
    tell: Tell = untold

    def __post_init__(self) -> None:
        try:
            self._url("main", "")  # any function of the library checks the name first
        except HFValidationError as error:
            raise refusals.malformed_repository(self.repo) from error
        # It becomes a path in the cache.
        if not self.revision or not _is_inside(self.revision):
            raise refusals.revision_not_found(self._subject())

    def listing(self, policy: Policy) -> Listing:
        """All files at the revision. Raises WeightsError."""
        ask = partial(self._ask, self._model_info)
        info = retry.persist(ask, policy, self.sleep, self.settings.endpoint, self.tell)
        if not info.sha or info.siblings is None:
            raise self._no_hub("its answer names no commit")
        return Listing(info.sha, tuple(_described(info)))

    def complete(self, commit: str, file: RepoFile) -> RepoFile:
        """``file`` with size and hash; some mirrors leave them out of the listing, but have them in the headers."""
        if file.sha256 or file.git_sha1:
            return file
        head = partial(self._ask, partial(self._head, commit, file.path))
        metadata = retry.persist(head, self.policy, self.sleep, self.settings.endpoint, self.tell)
        whole = _hashed(file.path, metadata.size or 0, metadata.etag or "", metadata.etag or "")
        if not whole.size or not (whole.sha256 or whole.git_sha1):
            raise self._no_hub(f"it does not tell the size and hash of {file.path}")
        return whole

    def remote(self, commit: str, file: RepoFile) -> Remote:
        """Where ``file`` is and what it must be."""
        return Remote(url=self._url(commit, file.path), size=file.size, expected=digest_of(file))

    def refused(self, file: str) -> Refused:
        """What an answer that is no file means, for ``transfer``."""
        return lambda response: refusals.refusal(response.status_code, response.headers, self._subject(file))

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except HfHubHTTPError as error:
            if retry.retryable(error.response.status_code):
                raise http_errors.from_status(error.response) from error
            raise refusals.refusal(error.response.status_code, error.response.headers, self._subject()) from error
        except httpx2.TransportError as error:
            raise http_errors.from_transport(error, self.settings.endpoint) from error
        except (ValueError, KeyError, TypeError) as error:
            raise self._no_hub("its answer cannot be read") from error

    def _model_info(self) -> ModelInfo:
        api = HfApi(endpoint=self.settings.endpoint, token=self.settings.token or False, library_name="auriga")
        return api.model_info(self.repo, revision=self.revision, files_metadata=True, timeout=self.policy.answer)

    def _head(self, commit: str, path: str) -> HfFileMetadata:
        return get_hf_file_metadata(
            self._url(commit, path),
            token=self.settings.token or False,
            timeout=self.policy.answer,
            endpoint=self.settings.endpoint,
        )

    def _no_hub(self, why: str) -> WeightsError:
        advice = "check HF_ENDPOINT, and whether a proxy or login page answers instead"
        return WeightsError(
            Reason.UNREACHABLE, f"{self.settings.endpoint} does not answer as a hub does: {why}; {advice}"
        )

    def _url(self, commit: str, path: str) -> str:
        return hf_hub_url(self.repo, path, revision=commit, endpoint=self.settings.endpoint)

    def _subject(self, file: str = "") -> Subject:
        return Subject(self.settings.endpoint, self.repo, self.revision, file, bool(self.settings.token))


def digest_of(file: RepoFile) -> Digest:
    """What the content must be, as the hub states it."""
    return Digest("sha256", file.sha256) if file.sha256 else Digest("git-sha1", file.git_sha1)


def authorizer(settings: HubSettings) -> Callable[[httpx2.Request], None]:
    """Adds the token to a request that goes to a hub, and to no other.

    A hub sends the client on to storage hosts: among the client's own headers they would see the token too, and some
    refuse requests that carry two kinds of credentials. It is asked for each request of a chain of redirects.
    """
    trusted = {_origin(httpx2.URL(url)) for url in (settings.endpoint, constants.HUGGINGFACE_CO_URL_HOME)}

    def authorize(request: httpx2.Request) -> None:
        if settings.token and _origin(request.url) in trusted:
            request.headers["Authorization"] = f"Bearer {settings.token}"

    return authorize


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _described(info: ModelInfo) -> Iterable[RepoFile]:
    for sibling in info.siblings or ():
        if not _is_inside(sibling.rfilename):
            continue  # it becomes a path in the cache, and a mirror may be anybody's
        size = sibling.lfs.size if sibling.lfs else sibling.size or 0
        sha256 = sibling.lfs.sha256 if sibling.lfs else ""
        # Of a file in LFS or Xet the blob is only a pointer: its hash is not that of the content.
        yield _hashed(sibling.rfilename, size, sha256, "" if sibling.lfs else sibling.blob_id or "")


def _hashed(path: str, size: int, sha256: str, git_sha1: str) -> RepoFile:
    """Only what is a hash is taken for one: it becomes a file name in the cache."""
    return RepoFile(
        path=path,
        size=size,
        sha256=sha256 if REGEX_SHA256.fullmatch(sha256) else "",
        git_sha1=git_sha1 if REGEX_COMMIT_HASH.fullmatch(git_sha1) else "",
    )


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts

"""One file over HTTP, whatever happens on the way: resumed after a cut, bounded in tries, verified at the end.

Knows ranges, validators and redirects; knows neither the hub nor where a cache keeps its files.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from auriga_operator.weights import http_errors, retry, text
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, TransientError, WeightsError
from auriga_operator.weights.partial import Partial
from auriga_operator.weights.retry import DEFAULT, Policy, Tell, untold

logger = logging.getLogger(__name__)

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class MismatchError(Exception):
    """All of it came, and it is not what it should be."""

    def __init__(self, seen: Digest) -> None:
        super().__init__(str(seen))
        self.seen = seen


class SourceChangedError(Exception):
    """The file behind the address is no longer the one that was resolved."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What to download. ``validator``: for If-Range; empty where the address itself names the content, as a hub's."""

    url: str
    size: int | None
    expected: Digest | None = None
    validator: str = ""
    resumable: bool = True


Refused = Callable[[httpx2.Response], WeightsError]
"""Makes the error for an answer that is no file; the source knows what a 401 means there."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Downloads files one after another over one pool of connections."""

    client: httpx2.Client
    policy: Policy = DEFAULT
    sleep: Callable[[float], None] = field(default=time.sleep)
    tell: Tell = untold

    def download(self, remote: Remote, path: Path, on_bytes: Callable[[int], None], refused: Refused) -> Digest:
        """Bring ``remote`` whole and verified to ``path``, which may hold a beginning of it; the digest of the whole.

        Raises WeightsError: DiskFull, Unreachable, or what ``refused`` says; SourceChangedError when the server has
        another file by now; MismatchError (``path`` is gone then). Except at a mismatch the bytes so far stay.
        """
        if not remote.resumable:
            path.unlink(missing_ok=True)
        algorithm = remote.expected.algorithm if remote.expected else "sha256"
        with Partial(path, remote.size, algorithm, on_bytes) as partial:
            self._receive(remote, partial, refused)
            seen = partial.finish()
        if remote.expected is not None and seen != remote.expected:
            path.unlink(missing_ok=True)
            raise MismatchError(seen)
        return seen

    def _receive(self, remote: Remote, partial: Partial, refused: Refused) -> None:
        failures, farthest = 0, partial.offset
        complete = remote.size is not None and partial.offset >= remote.size
        while not complete:
            try:
                complete = self._request(remote, partial, refused)
            except TransientError as error:
                # Farther than ever, not than before: who must begin again after each cut would try for ever.
                if partial.offset - farthest >= self.policy.progress:
                    failures, farthest = 0, partial.offset
                failures += 1
                if failures >= self.policy.tries:
                    raise retry.unreachable(text.public_url(remote.url), error) from error
                if not remote.resumable:
                    partial.restart()
                self._wait(failures, error)

    def _wait(self, failures: int, error: TransientError) -> None:
        seconds = self.policy.wait(failures, error.retry_after)
        logger.warning("download interrupted: %s; trying again in %.0f s", error, seconds)
        self.tell(f"the download was interrupted: {error}", seconds)
        self.sleep(seconds)

    def _request(self, remote: Remote, partial: Partial, refused: Refused) -> bool:
        """One request; whether the file is complete after it."""
        headers = _range_headers(remote, partial.offset, self.policy.segment)
        try:
            with self.client.stream("GET", remote.url, headers=headers) as response:
                _check(response, remote, partial, refused)
                before = partial.offset
                for chunk in response.iter_raw():
                    partial.append(chunk)
        except httpx2.TransportError as error:
            raise http_errors.from_transport(error, text.public_url(remote.url)) from error
        except httpx2.TooManyRedirects as error:
            raise WeightsError(Reason.FAILED, f"{text.public_url(remote.url)} redirects in a circle") from error
        return _complete(response, remote, partial, before)


def client(policy: Policy, authorize: Callable[[httpx2.Request], None] | None = None) -> httpx2.Client:
    """``authorize`` sees every request, those of redirects too, before it leaves."""
    return httpx2.Client(
        event_hooks={"request": [authorize] if authorize else []},
        follow_redirects=True,
        timeout=httpx2.Timeout(policy.stall, connect=policy.connect),
        headers={"User-Agent": "auriga"},
    )


def validator(response: httpx2.Response) -> str:
    """What If-Range takes to name this very content: a strong ETag, else a date; empty when there is neither."""
    etag = str(response.headers.get("etag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("last-modified", ""))


def _range_headers(remote: Remote, offset: int, segment: int) -> dict[str, str]:
    # Of an encoded body neither the ranges nor the hash would be those of the file.
    headers = {"Accept-Encoding": "identity"}
    if offset or (remote.size or 0) > segment:
        end = min(offset + segment, remote.size) - 1 if remote.size else ""
        headers["Range"] = f"bytes={offset}-{end}"
        if remote.validator and offset:
            headers["If-Range"] = remote.validator
    return headers


def _check(response: httpx2.Response, remote: Remote, partial: Partial, refused: Refused) -> None:
    """Make ``partial`` ready for the body of ``response``, or raise."""
    if retry.retryable(response.status_code):
        raise http_errors.from_status(response)
    if response.status_code == 416:
        partial.restart()
        raise TransientError("the server has no such range")
    if response.status_code not in (200, 206):
        response.read()
        raise refused(response)
    start, total = _extent(response)
    if None not in (total, remote.size) and total != remote.size:
        raise SourceChangedError
    if remote.validator and remote.validator != validator(response):
        raise SourceChangedError
    if start == 0 and partial.offset:
        partial.restart()  # a server or proxy that ignores Range, or If-Range did not match
    elif start != partial.offset:
        raise TransientError(f"the server sent bytes from {start} instead of {partial.offset}")


def _extent(response: httpx2.Response) -> tuple[int, int | None]:
    """(first byte, size of the whole file) of a body."""
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None:
            raise TransientError("the server sent a part without saying which")
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = response.headers.get("content-length", "")
    return 0, int(length) if length.isdigit() else None


def _complete(response: httpx2.Response, remote: Remote, partial: Partial, before: int) -> bool:
    if remote.size is None:
        return True
    if partial.offset > remote.size:
        raise SourceChangedError
    if partial.offset < remote.size and (response.status_code == 200 or partial.offset == before):
        raise TransientError("the server ended the answer early")
    return partial.offset == remote.size

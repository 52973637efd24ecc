"""What lies behind an address now, asked with one request for one byte; and what lay there when it was last fetched."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from auriga_operator.weights import http_errors, retry, text, transfer
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.transfer import Refused

_TOTAL = re.compile(r"bytes [\d-]+/(\d+)")


@dataclass(frozen=True, slots=True)
class Record:
    """A file as a server describes it, and, once it is here, its hash and modification time."""

    size: int | None = None
    etag: str = ""
    validator: str = ""
    sha256: str = ""
    mtime_ns: int = 0


def ask(client: httpx2.Client, url: str, known: Record | None) -> Record | None:
    """The file at ``url``; None when it is still the ``known`` one. Raises WeightsError, TransientError.

    A GET, since what signs addresses for GET refuses HEAD; of one byte, and a body that comes all the same is not read.
    """
    headers = {"Accept-Encoding": "identity", "Range": "bytes=0-0"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    where = text.public_url(url)
    try:
        with client.stream("GET", url, headers=headers) as response:
            seen = _answer(response, url)
    except httpx2.TransportError as error:
        raise http_errors.from_transport(error, where) from error
    except (httpx2.TooManyRedirects, httpx2.InvalidURL) as error:
        raise WeightsError(Reason.FAILED, f"{where}: {error}") from error
    # Of servers without ETags, and of those that know no If-None-Match, the answer is held against what we know.
    same = known is not None and seen is not None and _is_same(seen, known)
    return None if same else seen


def _is_same(seen: Record, known: Record) -> bool:
    return bool(seen.validator) and (seen.validator, seen.size) == (known.validator, known.size)


def _answer(response: httpx2.Response, url: str) -> Record | None:
    if response.status_code == 304:
        return None
    if retry.retryable(response.status_code):
        raise http_errors.from_status(response)
    if response.status_code not in (200, 206):
        raise refused(url)(response)
    return Record(_size(response), str(response.headers.get("etag", "")), transfer.validator(response))


def _size(response: httpx2.Response) -> int | None:
    if response.status_code == 206:
        total = _TOTAL.fullmatch(response.headers.get("content-range", ""))
        return int(total[1]) if total else None
    length = response.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


def refused(url: str) -> Refused:
    """What an answer that is no file means at an address of the user's own."""
    where = text.public_url(url)

    def error(response: httpx2.Response) -> WeightsError:
        status = response.status_code
        if status in (404, 410):
            return WeightsError(Reason.FILE_NOT_FOUND, f"there is no file at {where} ({status}): check source.url.url")
        if status in (401, 403):
            advice = "a signed address may have expired: write a fresh one into source.url.url"
            return WeightsError(Reason.UNAUTHORIZED, f"{where} refuses to be read ({status}); {advice}")
        return WeightsError(Reason.FAILED, f"{where} answers with status {status} instead of a file")

    return error


def load(record: Path, file: Path) -> Record | None:
    """What ``record`` tells of ``file``; None when either is missing or the file was touched since."""
    try:
        known = Record(**json.loads(record.read_bytes()))
        stat = file.stat()
    except (OSError, ValueError, TypeError):
        return None
    return known if (stat.st_size, stat.st_mtime_ns) == (known.size, known.mtime_ns) else None


def save(record: Path, seen: Record, file: Path, sha256: str) -> None:
    """Best effort: without it the file is downloaded again next time."""
    stat = file.stat()
    kept = Record(stat.st_size, seen.etag, seen.validator, sha256, stat.st_mtime_ns)
    with contextlib.suppress(OSError):
        record.write_text(json.dumps(asdict(kept)))

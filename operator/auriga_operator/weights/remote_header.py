"""The header of a GGUF file that lies on a server: its first kilobytes, and more only where those do not suffice."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import sleep
from typing import Final

import httpx2

from auriga_operator.weights import gguf_header, http_errors, retry, text
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.gguf_header import Header
from auriga_operator.weights.retry import DEFAULT, Policy, Tell, untold
from auriga_operator.weights.transfer import Refused

LENGTHS: Final = (1 << 17, 1 << 20, 1 << 23, 1 << 26)
"""Bytes that are read at most, one after the other. The shape of a model stands before its vocabulary."""


@dataclass(frozen=True, slots=True)
class RemoteHeaders:
    """Reads headers over one pool of connections."""

    client: httpx2.Client
    policy: Policy = DEFAULT
    sleep: Callable[[float], None] = field(default=sleep)
    tell: Tell = untold

    def read(self, url: str, refused: Refused) -> Header:
        """Raises WeightsError: NotGguf, Unreachable, or what ``refused`` says."""
        where = text.public_url(url)
        with tempfile.TemporaryDirectory(prefix="auriga-") as folder:
            path = Path(folder, "beginning.gguf")
            for length in LENGTHS:
                ask = partial(self._beginning, url, length, path, refused)
                retry.persist(ask, self.policy, self.sleep, where, self.tell)
                if header := gguf_header.read_beginning(path):
                    return header
                if path.stat().st_size < length:
                    break
        raise WeightsError(Reason.NOT_GGUF, f"{where} is a damaged GGUF file: its header cannot be read")

    def _beginning(self, url: str, length: int, path: Path, refused: Refused) -> None:
        """The first ``length`` bytes, or all there are, into ``path``."""
        headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{length - 1}"}
        try:
            with self.client.stream("GET", url, headers=headers) as response, path.open("wb") as file:
                if retry.retryable(response.status_code):
                    raise http_errors.from_status(response)
                if response.status_code not in (200, 206):
                    raise refused(response)
                for chunk in response.iter_raw():
                    # A server that knows no ranges sends the whole file: the rest of it is not waited for.
                    file.write(chunk[: length - file.tell()])
                    if file.tell() >= length:
                        break
        except httpx2.TransportError as error:
            raise http_errors.from_transport(error, text.public_url(url)) from error
        except httpx2.TooManyRedirects as error:
            raise WeightsError(Reason.FAILED, f"{text.public_url(url)} redirects in a circle") from error

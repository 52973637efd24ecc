"""One Auriga over HTTP. The only module of the command that sends requests to it."""

from __future__ import annotations

import ipaddress
import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from auriga_cli.remote.answer import Answer
from auriga_cli.remote.chunks import DONE, Chunk, chunk, refused
from auriga_cli.remote.errors import BadAddressError, BrokenError, UnreachableError
from auriga_cli.remote.events import events

_CONNECT_SECONDS = 5.0


class Client:
    """The Auriga at ``url``. A context manager: leaving it closes every connection, and so frees what still answers."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        """``timeout`` is how long the server may be silent, in seconds. Raises BadAddressError."""
        self.url = base_url(url)
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            headers={"user-agent": "auriga"},
            # A proxy from the environment is for the world outside; it would look for 127.0.0.1 on its own machine.
            trust_env=not _is_loopback(self.url),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def status(self) -> dict[str, Any]:
        """``GET /status`` as it is. Raises UnreachableError."""
        with self._reaching():
            response = self._http.get("/status")
        value = _object(response.text) if response.status_code == 200 else None
        if value is None:
            raise self._stranger(response)
        return value

    def names(self) -> list[str]:
        """What may be sent as ``model``: roles, synonyms, Models. Raises UnreachableError."""
        with self._reaching():
            response = self._http.get("/v1/models")
        value = _object(response.text) or {}
        return [str(entry["id"]) for entry in value.get("data") or () if isinstance(entry, dict) and "id" in entry]

    @contextmanager
    def chat(self, request: dict[str, Any]) -> Iterator[Answer]:
        """``POST /v1/chat/completions``: an Answer that is iterated while it comes. Leaving the block ends it.

        Raises RefusedError when nobody answers it, UnreachableError when there is no Auriga.
        """
        started = time.monotonic()
        with self._reaching(), self._http.stream("POST", "/v1/chat/completions", json=request) as response:
            if response.status_code != 200:
                response.read()
                raise refused(response.text) or self._stranger(response)
            yield Answer(response.headers, chunks(response), started)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            why = "" if "refused" in str(error) else f" ({error})"
            raise UnreachableError(f"no Auriga at {self.url}{why}: {_START}") from error
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{self.url} did not answer in time") from error
        except httpx.RequestError as error:
            raise UnreachableError(f"{self.url} ended the connection: {error}; is it an Auriga?") from error

    def _stranger(self, response: httpx.Response) -> UnreachableError:
        return UnreachableError(
            f"{self.url} answers HTTP {response.status_code} to {response.request.url.path}, and not as an Auriga does:"
            f" name yours with --url or AURIGA_URL"
        )


_START = "start one with `auriga up -f FILE`, or name yours with --url or AURIGA_URL"


def base_url(text: str) -> str:
    """``http://host:port`` without a slash at the end; ``/v1``, as the OpenAI client takes it, is taken off.

    Raises BadAddressError.
    """
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL as error:
        raise BadAddressError(f"--url {text}: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise BadAddressError(f"--url {text}: write an address such as http://127.0.0.1:8080")
    path = url.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return str(url.copy_with(raw_path=path.encode() or b"/", fragment=None)).rstrip("/")


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def chunks(response: httpx.Response) -> Iterator[Chunk]:
    """The pieces of an answer, streamed or whole.

    Raises RefusedError for an error in the stream, BrokenError when the connection ends before it.
    """
    try:
        if "text/event-stream" not in response.headers.get("content-type", ""):
            yield chunk(response.read().decode("utf-8", "replace"))
            return
        stream = response.iter_bytes()
        for event in events(stream):
            yield chunk(event.data)
            if event.data == DONE:
                break
    except httpx.TimeoutException as error:
        raise BrokenError("the answer stopped coming") from error
    except httpx.RequestError as error:
        raise BrokenError(f"the connection broke in the middle of the answer: {error}") from error
    # To the very end: who hangs up after the last word, but before the end of the reply, is counted as gone.
    with suppress(httpx.RequestError):
        deque(stream, maxlen=0)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

"""An answer while it comes, and what is known of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from auriga_cli.remote.attempts import Attempt, from_header
from auriga_cli.remote.chunks import Chunk
from auriga_cli.remote.errors import BrokenError

_LEAST_SECONDS = 0.05
"""In less, it is the reading of what lay ready that would be measured."""


class Answer:
    """Iterate it for the pieces; everything else is filled in on the way. Times are seconds since the request."""

    def __init__(
        self,
        headers: Mapping[str, str],
        chunks: Iterable[Chunk],
        started: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = headers.get("x-auriga-model", "")
        self.attempts: tuple[Attempt, ...] = from_header(headers.get("x-auriga-attempts", ""))
        self.request_id = headers.get("x-request-id", "")
        self.content = ""
        self.reasoning = ""
        self.finish_reason = ""
        self.first: float | None = None
        self.total = 0.0
        self._tokens: int | None = None
        self._pieces = 0
        self._over = False
        self._chunks = chunks
        self._started = started
        self._clock = clock

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            self._note(chunk)
            yield chunk
        if not self._over:
            raise BrokenError("the answer ended before its end was said")

    def _note(self, chunk: Chunk) -> None:
        self.total = self._clock() - self._started
        self.model = self.model or chunk.model
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self._over = self._over or chunk.done or bool(chunk.finish_reason)
        self._tokens = self._tokens if chunk.tokens is None else chunk.tokens
        if chunk.content or chunk.reasoning:
            self.first = self.total if self.first is None else self.first
            self.content += chunk.content
            self.reasoning += chunk.reasoning
            self._pieces += 1

    @property
    def tokens(self) -> int:
        """Tokens of the answer as the server counted them; without its word, the pieces that came: nearly the same."""
        return self._pieces if self._tokens is None else self._tokens

    @property
    def tokens_per_second(self) -> float | None:
        """The rate from the first token to the last; None when they came together, or too soon to tell."""
        if self.first is None or self.total - self.first < _LEAST_SECONDS or self.tokens < 2:
            return None
        return (self.tokens - 1) / (self.total - self.first)

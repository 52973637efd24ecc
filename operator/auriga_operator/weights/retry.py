"""How long to try and how long to wait. Pure, but for ``persist``, which calls what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from auriga_operator.weights.errors import Reason, TransientError, WeightsError

T = TypeVar("T")

_RETRYABLE = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of a fetch; seconds and bytes."""

    connect: float = 10.0
    answer: float = 30.0
    """For an answer of the hub's API; the listing of a large repository takes seconds."""
    stall: float = 60.0
    """Without a byte for so long, a connection counts as dead."""
    tries: int = 7
    """In a row without progress; with the waits below about a minute."""
    progress: int = 1 << 20
    """So many new bytes are progress: the count of tries starts again, and so the number of tries stays bounded."""
    first_wait: float = 1.0
    longest_wait: float = 30.0
    segment: int = 32_000_000_000
    """At most so many bytes in one request: CDNs refuse answers above 50 GB, except as ranges."""

    def with_cache(self) -> Policy:
        """For a question whose answer the cache has too: asked twice, not for a minute."""
        return replace(self, tries=min(self.tries, 2))

    def wait(self, failures: int, retry_after: float) -> float:
        """Seconds before the next try, after ``failures`` (from 1) in a row: doubled each time, or as told."""
        backoff = self.first_wait * 2.0 ** (failures - 1)
        return min(self.longest_wait, max(backoff, retry_after))


DEFAULT = Policy()


def retryable(status: int) -> bool:
    """Whether the next try may be answered differently: any 5xx, and the 4xx that mean "not now"."""
    return status >= 500 or status in _RETRYABLE


def retry_after(header: str | None) -> float:
    """Seconds of a Retry-After header; 0 when there is none or it is a date."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0


Tell = Callable[[str, float], None]
"""Is told why something is tried again, and after how many seconds."""


def untold(message: str, seconds: float) -> None:
    """Nobody wants to know."""


def persist(
    call: Callable[[], T], policy: Policy, sleep: Callable[[float], None], where: str, tell: Tell = untold
) -> T:
    """The result of ``call``, tried again after each TransientError. Raises WeightsError (Unreachable) in the end."""
    for failures in range(1, policy.tries + 1):
        try:
            return call()
        except TransientError as error:
            if failures == policy.tries:
                raise unreachable(where, error) from error
            seconds = policy.wait(failures, error.retry_after)
            tell(f"{where} cannot be reached: {error}", seconds)
            sleep(seconds)
    raise AssertionError("a policy has at least one try")


def unreachable(where: str, error: TransientError) -> WeightsError:
    """What is left to say when every try failed."""
    return WeightsError(
        Reason.UNREACHABLE,
        f"{where} cannot be reached: {error}; check the network, a proxy (HTTPS_PROXY), and HF_ENDPOINT for a mirror",
    )

"""What an attempt came to. The one list of these words: metrics, logs, headers, errors and docs repeat them.

Pure; knows nothing of dialects or sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """What one attempt came to. Those of ``RoleChain.spec.fallback.on`` carry the same word there."""

    OK = "Ok"
    """Answered whole."""
    CONNECT = "Connect"
    """No connection (refused, unreachable, name, TLS, too slow), or it broke before anything was sent to the client."""
    TIMEOUT = "Timeout"
    """Connected, but the first token (or, without streaming, the answer) came too late."""
    SERVER_ERROR = "ServerError"
    """Status 5xx."""
    RATE_LIMITED = "RateLimited"
    """Status 429: the endpoint is left alone for as long as its Retry-After says."""
    EMPTY = "Empty"
    """A well-formed answer without anything in it, and nothing in the request explains that."""
    MALFORMED = "Malformed"
    """Not an answer of the dialect: HTML, broken JSON or framing, an error object behind a 200, a redirect."""
    UNAUTHORIZED = "Unauthorized"
    """Status 401, 402 or 403: the Model's own key was refused, or its account is empty."""
    UNSUPPORTED = "Unsupported"
    """Status 404, 405, 409, 410 or 501: it does not know this model or path, and the Model's settings chose those."""
    CONTEXT_OVERFLOW = "ContextOverflow"
    """The prompt does not fit this Model's context."""
    CLIENT_ERROR = "ClientError"
    """Any other 4xx: of the caller's making, returned as it is."""
    CUT = "Cut"
    """The stream broke after content had been sent to the client."""
    STALL = "Stall"
    """The stream fell silent after content had been sent to the client."""
    CANCELLED = "Cancelled"
    """The client went away."""

    ordinal: int
    """Position in this list: an index into counters. Hashing an Enum costs a Python call; indexing does not."""
    bit: int
    """``1 << ordinal``: member of a set kept as an int."""

    def __init__(self, _word: str) -> None:
        self.ordinal = len(type(self).__members__)
        self.bit = 1 << self.ordinal


BY_WORD: Mapping[str, Outcome] = MappingProxyType({outcome.value: outcome for outcome in Outcome})
"""``Outcome(word)``, at a tenth of its price."""


def bits(*outcomes: Outcome) -> int:
    """These outcomes as a set of bits."""
    mask = 0
    for outcome in outcomes:
        mask |= outcome.bit
    return mask


FAILURES = bits(
    Outcome.CONNECT, Outcome.TIMEOUT, Outcome.SERVER_ERROR, Outcome.EMPTY, Outcome.MALFORMED, Outcome.CUT, Outcome.STALL
)
"""What speaks against the endpoint and counts for its breaker. A 4xx never does: bad callers must not eject it."""

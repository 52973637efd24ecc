"""Why an endpoint gave no answer, in one form for all providers. Pure.

Only what a caller did wrong keeps the provider's words. Anything else has words of our own: a provider's may hold
a key, an account, or the name of somebody's deployment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong."""

    INVALID_REQUEST = "InvalidRequest"
    TOO_LARGE = "TooLarge"
    CONTEXT_OVERFLOW = "ContextOverflow"
    CONTENT_FILTER = "ContentFilter"
    AUTHENTICATION = "Authentication"
    PERMISSION = "Permission"
    BILLING = "Billing"
    NOT_FOUND = "NotFound"
    RATE_LIMIT = "RateLimit"
    OVERLOADED = "Overloaded"
    TIMEOUT = "Timeout"
    SERVER = "Server"
    MALFORMED = "Malformed"
    """Not an answer of the dialect."""
    INTERRUPTED = "Interrupted"
    """The stream ended before the answer did."""


OF_THE_CALLERS_MAKING = frozenset({Kind.INVALID_REQUEST, Kind.TOO_LARGE, Kind.CONTEXT_OVERFLOW, Kind.CONTENT_FILTER})

_WORDS = {
    Kind.INVALID_REQUEST: "the endpoint refused the request",
    Kind.TOO_LARGE: "the request is too large for the endpoint",
    Kind.CONTEXT_OVERFLOW: "the prompt does not fit the model's context",
    Kind.CONTENT_FILTER: "the endpoint's content filter refused the request",
    Kind.AUTHENTICATION: "the endpoint refused the Model's own key",
    Kind.PERMISSION: "the Model's own key may not do this at the endpoint",
    Kind.BILLING: "the Model's account at the endpoint has no credit left",
    Kind.NOT_FOUND: "the endpoint does not know the model",
    Kind.RATE_LIMIT: "the endpoint's rate limit is reached",
    Kind.OVERLOADED: "the endpoint is overloaded",
    Kind.TIMEOUT: "the endpoint took too long",
    Kind.SERVER: "the endpoint failed",
    Kind.MALFORMED: "the endpoint's answer could not be read",
    Kind.INTERRUPTED: "the endpoint's answer broke off",
}
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """An endpoint's failure, as a caller may be told."""

    kind: Kind
    message: str = field(default="", repr=False)
    """Empty: our own words for this kind."""
    param: str | None = field(default=None, repr=False)
    """The field at fault, as the endpoint calls it."""
    wait: float | None = None
    """Seconds for which it asks to be left alone."""
    ours: bool = False
    """The message is our own, whatever the kind."""

    def __post_init__(self) -> None:
        message = self.message if self.ours or self.kind in OF_THE_CALLERS_MAKING else ""
        object.__setattr__(self, "message", message[:_LONGEST] or _WORDS[self.kind])

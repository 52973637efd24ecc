"""Errors as outcomes: what a failed step means for the object that is worked on. Pure."""

from __future__ import annotations


class Wait(Exception):  # noqa: N818 - an outcome, not a fault
    """Nothing is wrong, but there is nothing to do before ``after`` seconds have passed."""

    def __init__(self, after: float, why: str = "") -> None:
        super().__init__(why or f"again in {after:g} s")
        self.after = after


class Stalled(Exception):  # noqa: N818 - an outcome, not a fault
    """Trying again does not help: a person has to change something. ``reason`` is one word, the message says what."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class ApiError(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server asks to wait; 0 when it does not say."""

    @property
    def refused(self) -> bool:
        """Whether the same request will be refused again: it is wrong, forbidden, or over a quota."""
        return self.status in (400, 403, 422)


class Unreachable(Exception):  # noqa: N818 - says it all
    """No answer from the API server: refused, reset or timed out."""

"""Attempts to lines: what was tried for one request, and who answered it. Pure."""

from __future__ import annotations

from collections import OrderedDict

from auriga_router.attempts import Attempt
from auriga_router.routing.outcome import Outcome

_REMEMBERED = 1024
"""Requests whose end is not known yet; beyond that the oldest are forgotten."""

_FINAL = frozenset({Outcome.OK, Outcome.CLIENT_ERROR, Outcome.CUT, Outcome.STALL, Outcome.CANCELLED})
"""After these, no other attempt follows."""

_BROKEN = frozenset({Outcome.CUT, Outcome.STALL})
"""The worst that a caller can see: told even if it was the first attempt."""


class Trail:
    """Collects the attempts of each request until one of them ends it."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[Attempt]] = OrderedDict()

    def add(self, attempt: Attempt) -> str:
        """A line if this attempt ends a request that needed more than one, or broke an answer; else ""."""
        if attempt.outcome not in _FINAL:
            self._failed.setdefault(attempt.request_id, []).append(attempt)
            if len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
            return ""
        failed = self._failed.pop(attempt.request_id, None)
        if failed:
            return f"{attempt.role}: {_tried(failed)}; {_end(attempt)}"
        return describe(attempt) if attempt.outcome in _BROKEN else ""

    def replied(self, request_id: str) -> str:
        """A line for a request that got its reply although no attempt of it was an answer; else ""."""
        failed = self._failed.pop(request_id, None)
        return f"{failed[0].role}: {_tried(failed)}; nobody has answered" if failed else ""


def describe(attempt: Attempt) -> str:
    """One attempt on one line."""
    status = f" (HTTP {attempt.status})" if attempt.status else ""
    return f"{attempt.role}: {_name(attempt)}: {attempt.outcome.value}{status}, {attempt.milliseconds:.0f} ms"


def _tried(failed: list[Attempt]) -> str:
    return ", ".join(f"{_name(each)} failed ({each.outcome.value}, {each.milliseconds:.0f} ms)" for each in failed)


def _end(attempt: Attempt) -> str:
    if attempt.outcome is Outcome.OK:
        return f"{_name(attempt)} answered"
    if attempt.outcome is Outcome.CANCELLED:
        return "the caller went away"
    return f"{_name(attempt)}: {attempt.outcome.value}"


def _name(attempt: Attempt) -> str:
    return attempt.model.removeprefix("default/")

"""Attempts to lines: what was tried for one request, and who answered it. Pure."""

from __future__ import annotations

from collections import OrderedDict

from auriga_router.attempts import Attempt
from auriga_router.routing.outcome import Outcome

_REMEMBERED = 1024
"""Requests whose end is not known yet; beyond that the oldest are forgotten."""

_FINAL = frozenset({Outcome.OK, Outcome.CLIENT_ERROR, Outcome.CANCELLED})
"""After these, no other attempt follows."""

_BROKEN = frozenset({Outcome.CUT, Outcome.STALL})
"""After these somebody else goes on, or the caller sees the worst that there is."""


class Trail:
    """Collects the attempts of each request until one of them ends it."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[Attempt]] = OrderedDict()

    def add(self, attempt: Attempt) -> str:
        """A line if this attempt ends a request that needed more than one; else ""."""
        if attempt.outcome not in _FINAL:
            self._failed.setdefault(attempt.request_id, []).append(attempt)
            if len(self._failed) > _REMEMBERED:
                self._failed.popitem(last=False)
            return ""
        failed = self._failed.pop(attempt.request_id, None)
        return f"{attempt.role}: {_tried(failed)}; {_end(attempt, failed)}" if failed else ""

    def replied(self, request_id: str) -> str:
        """A line for a request that got its reply although no attempt of it was an answer; else ""."""
        failed = self._failed.pop(request_id, None)
        if not failed:
            return ""
        return f"{failed[0].role}: {_tried(failed)}; nobody has {'gone on' if _is_broken(failed) else 'answered'}"


def describe(attempt: Attempt) -> str:
    """One attempt on one line."""
    status = f" (HTTP {attempt.status})" if attempt.status else ""
    return f"{attempt.role}: {_name(attempt)}: {attempt.outcome.value}{status}, {attempt.milliseconds:.0f} ms"


def _tried(failed: list[Attempt]) -> str:
    verbs = ("broke off" if each.outcome in _BROKEN else "failed" for each in failed)
    parts = zip(failed, verbs, strict=True)
    return ", ".join(f"{_name(each)} {verb} ({each.outcome.value}, {each.milliseconds:.0f} ms)" for each, verb in parts)


def _is_broken(failed: list[Attempt]) -> bool:
    """A part of the answer is out."""
    return any(each.outcome in _BROKEN for each in failed)


def _end(attempt: Attempt, failed: list[Attempt]) -> str:
    if attempt.outcome is Outcome.OK:
        return f"{_name(attempt)} {'went on' if _is_broken(failed) else 'answered'}"
    if attempt.outcome is Outcome.CANCELLED:
        return "the caller went away"
    return f"{_name(attempt)}: {attempt.outcome.value}"


def _name(attempt: Attempt) -> str:
    return attempt.model.removeprefix("default/")

"""What a caller is told when a chain failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from auriga_router.attempts import Tried
from auriga_router.dialects import Problem, Skipped
from auriga_router.routing.outcome import Outcome


def failure(role: str, tried: Sequence[Tried], skipped: Sequence[Skipped], *, deadline_passed: bool) -> Problem:
    """503 if everybody was busy, gated or not ready, for however long; 504 if time ran out; 502 otherwise."""
    outcomes = {attempt.outcome for attempt in tried}
    if tried and (deadline_passed or outcomes == {Outcome.TIMEOUT}):
        status, code, what = 504, "timeout", "did not answer in time"
    elif outcomes <= {Outcome.RATE_LIMITED}:
        status, code, what = 503, "unavailable", "cannot answer now"
    else:
        status, code, what = 502, "all_attempts_failed", "could not answer"
    return Problem(status, code, f"{role} {what}: {_story(tried, skipped)}", attempts=tried, skipped=skipped)


def _story(tried: Sequence[Tried], skipped: Sequence[Skipped]) -> str:
    parts = [f"{attempt.member} {attempt.outcome.value} after {attempt.milliseconds} ms" for attempt in tried]
    parts += [
        f"{one.member} not asked ({one.reason}: {one.message})"
        if one.message
        else f"{one.member} not asked ({one.reason})"
        for one in skipped
    ]
    return "; ".join(parts) or "it has no members"

"""The breaker and the 429 gate of one endpoint, at exact moments."""

from __future__ import annotations

import pytest

from auriga_router.routing.gate import BreakerSettings, Gate, condition, enter, is_open, may_probe, observe, state
from auriga_router.routing.outcome import FAILURES, Outcome

SETTINGS = BreakerSettings(failures=3, window=30.0, cooldown=15.0)


def seen(
    gate: Gate, *outcomes: Outcome, now: float = 0.0, probe: bool = False, retry_after: float | None = None
) -> None:
    for outcome in outcomes:
        observe(gate, outcome, now, SETTINGS, probe=probe, retry_after=retry_after)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if FAILURES & outcome.bit])
def test_failures_in_a_row_trip_it_for_the_cooldown(outcome: Outcome) -> None:
    gate = Gate()
    seen(gate, outcome, outcome)
    assert is_open(gate, 0.0)
    seen(gate, outcome)
    assert (is_open(gate, 14.9), state(gate, 14.9)) == (False, "Open")
    assert (is_open(gate, 15.0), state(gate, 15.0)) == (True, "HalfOpen")


@pytest.mark.parametrize(
    "outcome", [Outcome.CLIENT_ERROR, Outcome.UNAUTHORIZED, Outcome.CONTEXT_OVERFLOW, Outcome.CANCELLED]
)
def test_what_is_not_the_endpoints_fault_never_trips_it(outcome: Outcome) -> None:
    gate = Gate()
    seen(gate, *[outcome] * 100)
    assert state(gate, 0.0) == "Closed"


@pytest.mark.parametrize("outcome", [Outcome.CLIENT_ERROR, Outcome.CONTEXT_OVERFLOW, Outcome.CANCELLED])
def test_what_a_caller_did_is_not_told_of_the_endpoint(outcome: Outcome) -> None:
    gate = Gate()
    seen(gate, outcome)
    assert condition(gate, 0.0) == "Closed"
    seen(gate, Outcome.UNAUTHORIZED, outcome)
    assert condition(gate, 0.0) == "Unauthorized"


def test_a_success_between_failures_starts_the_count_again() -> None:
    gate = Gate()
    for _ in range(10):
        seen(gate, Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.OK)
    assert is_open(gate, 0.0)


def test_failures_older_than_the_window_do_not_count() -> None:
    gate = Gate()
    for moment in (0.0, 20.0, 31.0, 62.0, 93.0):
        seen(gate, Outcome.CONNECT, now=moment)
    assert state(gate, 93.0) == "Closed"


def test_half_open_lets_one_probe_through_at_a_time() -> None:
    gate = Gate()
    seen(gate, *[Outcome.CONNECT] * 3)
    assert enter(gate)
    assert not is_open(gate, 20.0)
    assert not may_probe(gate, 20.0)
    seen(gate, Outcome.CANCELLED, Outcome.CLIENT_ERROR, Outcome.CONNECT, now=20.0)  # they were under way before it
    assert not is_open(gate, 20.0)
    assert not may_probe(gate, 20.0)
    seen(gate, Outcome.CANCELLED, now=20.0, probe=True)
    assert (is_open(gate, 20.0), state(gate, 20.0)) == (True, "HalfOpen")
    assert enter(gate), "the next one is a probe again"


def test_a_failed_probe_opens_it_again_and_a_good_one_closes_it() -> None:
    gate = Gate()
    seen(gate, *[Outcome.CONNECT] * 3)
    enter(gate)
    seen(gate, Outcome.TIMEOUT, now=20.0, probe=True)
    assert (is_open(gate, 34.9), is_open(gate, 35.0)) == (False, True)
    enter(gate)
    seen(gate, Outcome.OK, now=40.0, probe=True)
    assert state(gate, 40.0) == "Closed"
    assert not enter(gate)


def test_a_longer_429_gate_is_not_shortened() -> None:
    gate = Gate()
    seen(gate, Outcome.RATE_LIMITED, retry_after=60.0)
    seen(gate, Outcome.RATE_LIMITED, now=1.0, retry_after=5.0)
    assert gate.blocked_until == 60.0
    seen(gate, *[Outcome.CONNECT] * 3, now=2.0)  # they were under way; its cooldown would be over long before
    assert not is_open(gate, 59.0)
    assert is_open(gate, 60.0)


@pytest.mark.parametrize("first", ["429", "failures"])
def test_no_early_probe_goes_through_a_429_gate(first: str) -> None:
    gate = Gate()
    if first == "429":
        seen(gate, Outcome.RATE_LIMITED, retry_after=30.0)
        seen(gate, *[Outcome.CONNECT] * 3, now=1.0)  # they were under way when it was closed
    else:
        seen(gate, *[Outcome.CONNECT] * 3)
        assert may_probe(gate, 1.0)
        enter(gate)
        seen(gate, Outcome.RATE_LIMITED, now=1.0, probe=True, retry_after=29.0)
        seen(gate, *[Outcome.CONNECT] * 3, now=2.0)
    assert (may_probe(gate, 29.9), is_open(gate, 29.9), state(gate, 29.9)) == (False, False, "RateLimited")
    assert (may_probe(gate, 30.0), is_open(gate, 30.0), state(gate, 30.0)) == (True, True, "HalfOpen")


def test_an_answer_closes_the_breaker_and_leaves_the_429_gate_behind_it_closed() -> None:
    gate = Gate()
    seen(gate, Outcome.RATE_LIMITED, retry_after=30.0)
    seen(gate, *[Outcome.CONNECT] * 3, Outcome.OK, now=1.0)
    assert (is_open(gate, 29.9), state(gate, 29.9)) == (False, "RateLimited")
    assert (is_open(gate, 30.0), state(gate, 30.0)) == (True, "Closed")


def test_a_callers_error_proves_that_a_probed_endpoint_is_alive() -> None:
    gate = Gate()
    seen(gate, *[Outcome.CONNECT] * 3)
    enter(gate)
    seen(gate, Outcome.CLIENT_ERROR, now=20.0, probe=True)
    assert state(gate, 20.0) == "Closed"


@pytest.mark.parametrize(("asked", "until"), [(None, 1.0), (0.0, 0.0), (7.5, 7.5), (1e9, 3600.0)])
def test_a_429_closes_the_gate_for_as_long_as_it_asks_within_reason(asked: float | None, until: float) -> None:
    gate = Gate()
    seen(gate, Outcome.RATE_LIMITED, retry_after=asked)
    assert gate.blocked_until == until
    assert not may_probe(gate, 0.0)
    assert is_open(gate, until)


def test_an_answer_that_was_under_way_does_not_open_a_429_gate() -> None:
    gate = Gate()
    seen(gate, Outcome.CONNECT)
    seen(gate, Outcome.RATE_LIMITED, retry_after=60.0)
    seen(gate, Outcome.OK)
    assert (is_open(gate, 59.0), state(gate, 59.0)) == (False, "RateLimited")
    seen(gate, Outcome.CONNECT, Outcome.OK)  # the last of them failed before it
    assert (is_open(gate, 59.0), state(gate, 59.0)) == (False, "RateLimited")

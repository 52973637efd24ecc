"""How long to wait after failures."""

from __future__ import annotations

import pytest

from auriga_cli.local.backoff import failed, retry_at
from auriga_cli.local.state import Failure, Limits

LIMITS = Limits(backoff_first=1, backoff_limit=60, healthy_again=60)


@pytest.mark.parametrize(("count", "delay"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (10_000, 60)])
def test_the_wait_doubles_up_to_the_limit(count: int, delay: float) -> None:
    assert retry_at(Failure(count, 100.0), LIMITS) == 100.0 + delay


def test_what_never_failed_need_not_wait() -> None:
    assert retry_at(None, LIMITS) < 0


def test_failures_are_counted_until_it_was_healthy_for_a_while() -> None:
    third = failed(Failure(2, 50.0), 100.0, LIMITS, healthy_for=59.0)
    assert third == Failure(3, 100.0)
    assert failed(third, 200.0, LIMITS, healthy_for=60.0) == Failure(1, 200.0)

"""Starting again what was interrupted: with growing pauses, not for ever, and afresh after a run that held."""

from __future__ import annotations

import pytest

from auriga_operator.again import HELD, PAUSES, Interrupted, again


class Runs:
    """Runs that take so many seconds each and are interrupted, but for the last, which ends well."""

    def __init__(self, *seconds: float) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self._left = list(seconds)

    def __call__(self) -> None:
        self.now += self._left.pop(0)
        if self._left:
            raise Interrupted("404")

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def done(*seconds: float) -> list[float]:
    """The pauses between runs that lasted so long."""
    runs = Runs(*seconds)
    again(runs, lambda: runs.now, runs.sleep)
    return runs.pauses


def test_what_ends_well_is_not_started_again() -> None:
    assert done(1) == []


def test_the_pauses_grow() -> None:
    assert done(0, 0, 0, 0) == list(PAUSES[:3])


def test_after_a_run_that_held_they_begin_anew() -> None:
    assert done(0, 0, HELD + 1, 0) == [PAUSES[0], PAUSES[1], PAUSES[0]]


def test_in_the_end_the_error_stands() -> None:
    runs = Runs(*[0.0] * 99)
    with pytest.raises(Interrupted, match="404"):
        again(runs, lambda: runs.now, runs.sleep)
    assert runs.pauses == list(PAUSES)

"""How many Models have their pods replaced at once."""

from __future__ import annotations

from dataclasses import replace

from auriga_operator.resources import Key
from auriga_operator.rollouts import PATIENCE, Rollouts
from auriga_operator.views import DeploymentView

A, B = Key("Model", "n", "a"), Key("Model", "n", "b")
WHOLE = DeploymentView(
    wanted=1, current=True, replicas=1, updated=1, available=1, revision="r", weights="", weights_path="", yielding=0,
    failure="",
)  # fmt: skip
LOADING = replace(WHOLE, available=0)
TWO_TEMPLATES = replace(WHOLE, replicas=2)


def test_one_goes_after_the_other() -> None:
    rollouts = Rollouts(1)
    assert not rollouts.full(A, 0)
    rollouts.begin(A, 0)
    assert rollouts.full(B, 1)
    assert not rollouts.full(A, 1), "it does not wait for itself"
    rollouts.note(A, LOADING)
    assert rollouts.full(B, 2)
    rollouts.note(A, WHOLE)
    assert not rollouts.full(B, 3)


def test_one_that_does_not_end_holds_up_others_only_for_a_while() -> None:
    rollouts = Rollouts(1)
    rollouts.begin(A, 0)
    rollouts.begin(A, PATIENCE - 1)
    assert rollouts.full(B, PATIENCE - 1)
    assert not rollouts.full(B, PATIENCE)


def test_what_another_replica_began_counts_and_what_is_gone_does_not() -> None:
    rollouts = Rollouts(1)
    rollouts.take_over(A, LOADING, 0)
    assert not rollouts.full(B, 0), "a first pod that loads replaces nothing"
    rollouts.take_over(A, TWO_TEMPLATES, 0)
    assert rollouts.full(B, 0)
    rollouts.note(A, None)
    assert not rollouts.full(B, 0)


def test_when_a_device_came_free() -> None:
    rollouts = Rollouts(1)
    assert rollouts.freed(A, frozenset(), 1) == 0
    assert rollouts.freed(A, frozenset({"old"}), 2) == 2
    assert rollouts.freed(A, frozenset({"old"}), 30) == 30, "it may take its time"
    assert rollouts.freed(A, frozenset(), 31) == 31, "it has gone between the two"
    assert rollouts.freed(A, frozenset(), 40) == 31
    assert rollouts.freed(B, frozenset(), 40) == 0


def test_several_may_go_at_once() -> None:
    rollouts = Rollouts(2)
    rollouts.begin(A, 0)
    assert not rollouts.full(B, 0)

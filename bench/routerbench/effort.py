"""How much is measured, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from routerbench.scenarios import SCENARIOS, Scenario

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """Times in seconds. `turns`: slices of each program and load in a round; `seconds`: the length of one, after
    `warmup`; `patience`: for how long one may wait for a quiet moment, and be repeated for a quieter one;
    `held_chunks`: half seconds that held streams stay open; 0 for none."""

    rounds: int = 3
    turns: int = 5
    seconds: float = 0.6
    warmup: float = 0.1
    patience: float = 2.0
    held_chunks: int = 16
    loads: tuple[Scenario, ...] = SCENARIOS


QUICK = Effort(rounds=1, turns=3, patience=0.0)


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of a round: another one first each time."""
    first = number % max(1, len(items))
    return [*items[first:], *items[:first]]


def to_and_fro(items: Sequence[T], turn: int) -> list[T]:
    """The order of a turn: that of the one before from its end, so that a machine that grows slower is so for all."""
    return list(reversed(items)) if turn % 2 else list(items)

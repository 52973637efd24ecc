"""How often Models change places under requests for several of them, where only one fits: what the rules promise."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auriga_cli.local.claim import MAX_LINGER, MAX_TURN, NEVER
from support.turns import Machine, Seen

NAMES = ("a", "b", "c")


class Simulation(Machine):
    """Clients, each with one request at a time, on a machine with room for one Model."""

    def __init__(self, load_time: float, answer: float) -> None:
        super().__init__(10, [Seen(name, 10, load_time) for name in NAMES])
        self.load_time = load_time
        self.answer = answer
        self.longest = 0.0
        self.answered = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._asked: dict[str, list[tuple[float, Callable[[], None]]]] = {name: [] for name in NAMES}

    @property
    def swaps(self) -> int:
        return self.starts.total()

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), what))

    def ask(self, name: str, then: Callable[[], None] = lambda: None) -> None:
        self.models[name].waiting += 1
        self._asked[name].append((self.now, then))

    def client(self, asks: list[str]) -> None:
        """Asks one thing after the other, each at once after the answer."""
        if asks:
            self.ask(asks[0], lambda: self.client(asks[1:]))

    def run(self) -> None:
        """Until nobody asks any more and nothing is under way."""
        wake_at = self.look().wake_at
        while self._events or wake_at != NEVER:
            if self._events and self._events[0][0] <= wake_at:
                self.now, _, happens = heapq.heappop(self._events)
                happens()
            else:
                self.now = wake_at
            wake_at = self.look().wake_at
            self.gone()

    def gone(self) -> None:
        """Processes that had to leave and have nothing in flight end at once, which is the next event."""
        for model in self.models.values():
            if 0 in model.leaving:
                model.leaving = [each for each in model.leaving if each]
                self.at(self.now, lambda: None)

    def loads(self, model: Seen) -> None:
        self.at(self.now + self.load_time, lambda: self.loaded(model))

    def begun(self, model: Seen) -> None:
        since, then = self._asked[model.name].pop(0)
        self.longest = max(self.longest, self.now - since)
        self.at(self.now + self.answer, lambda: self.end(model, then))

    def end(self, model: Seen, then: Callable[[], None]) -> None:
        if model.leaving:  # all that it works on is what it had when it was told to leave
            model.leaving[0] -= 1
        else:
            self.finished(model)
        self.answered += 1
        then()


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=200), st.sampled_from([0.2, 5.0]))
@settings(max_examples=50, deadline=None)
def test_requests_that_come_together_are_grouped(asked: list[str], load_time: float) -> None:
    """In whatever order they come, each Model comes once."""
    simulated = Simulation(load_time, answer=0.1)
    for name in asked:
        simulated.ask(name)
    simulated.run()
    assert simulated.answered == len(asked)
    assert simulated.swaps == len(set(asked))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("load_time", [0.3, 4.0, 20.0])
def test_clients_that_ask_this_and_that_wait_for_bounded_turns(seed: int, load_time: float) -> None:
    """Twelve clients, each asks again when it is answered, for any Model: 600 requests."""
    simulated = Simulation(load_time, answer=0.2)
    choose = random.Random(seed)
    for _ in range(12):
        simulated.client([choose.choice(NAMES) for _ in range(50)])
    simulated.run()
    assert simulated.answered == 600
    assert simulated.swaps <= 600 / 4, "each turn serves several requests"
    others = len(NAMES) - 1
    turn = MAX_TURN + simulated.answer + load_time
    assert simulated.longest <= others * turn + turn


@pytest.mark.parametrize("load_time", [0.5, 4.0, 30.0])
def test_two_that_ask_one_thing_after_the_other_share_the_time(load_time: float) -> None:
    """One client asks only a, another only b, at once after each answer: neither is made to load for each request."""
    simulated = Simulation(load_time, answer=load_time / 20)
    for name in ("a", "b"):
        simulated.client([name] * 100)
    simulated.run()
    assert simulated.answered == 200
    per_turn = 2 * load_time / (load_time / 20)
    assert simulated.swaps <= 2 * (100 / per_turn + 1)


def test_somebody_who_asks_alone_waits_for_nobodys_turn() -> None:
    """a answered long ago; b is asked: a leaves at once."""
    simulated = Simulation(5.0, answer=1.0)
    simulated.ask("a")
    simulated.at(60.0, lambda: simulated.ask("b"))
    simulated.run()
    assert simulated.longest == pytest.approx(5.0)
    assert simulated.swaps == 2


def test_a_question_just_after_an_answer_waits_for_a_moment() -> None:
    simulated = Simulation(10.0, answer=1.0)
    simulated.ask("a", lambda: simulated.ask("b"))
    simulated.run()
    assert simulated.longest == pytest.approx(MAX_LINGER + 10.0)


def test_nothing_to_do_is_no_reason_to_look_again() -> None:
    simulated = Simulation(1.0, answer=1.0)
    assert simulated.look().wake_at == NEVER

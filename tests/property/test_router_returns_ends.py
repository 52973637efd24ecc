"""For how long a Model's only endpoint that died is waited for, and when that is in vain."""

from __future__ import annotations

import pytest

from support.replies import told
from support.returns import CRASHED, DEADLINE, FOR_GOOD, HERE, World, after, broken, text
from support.simulation import Client
from support.simulation_answers import TEXT, WORDS

MISSED = {"onBreak": "Error"}


@pytest.mark.parametrize("words", [0, 3])
def test_it_is_waited_for_until_the_deadline(words: int) -> None:
    world = World()
    client = world.post()
    quiet: list[Client] = []
    world.later(after(words) if words else 0.0005, lambda: quiet.append(world.post(stream=False)))
    world.dies(after(words) if words else 0.001)
    assert DEADLINE <= world.run() <= DEADLINE + after(words) + 0.1
    assert broken("openai", client).text == "".join(WORDS[:words])
    assert told("openai", quiet[0], stream=False).status == 504
    assert world.idle()


@pytest.mark.parametrize("when", [0.1, 3.0])
@pytest.mark.parametrize("words", [0, 3])
@pytest.mark.parametrize("why", FOR_GOOD)
def test_what_does_not_come_back_is_not_waited_for(why: str, words: int, when: float) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001, 0.05)
    world.later(when, lambda: FOR_GOOD[why](world))
    assert world.run() <= when + 0.3, "at once, or a look later"
    if words:
        assert "broke off (Cut)" in broken("openai", client).error["message"]  # type: ignore[index]
    else:
        assert told("openai", client, stream=False).status == 502
    assert world.idle()


def test_an_engine_that_crashes_again_and_again_is_waited_for_five_minutes() -> None:
    world = World(fallback={"deadline": "1h"})
    client = world.post()
    world.dies(after(3), 1.0)
    for number in range(2, 60):
        world.later(10.0 * number, lambda: world.become(CRASHED))
    assert 301.0 <= world.run() <= 307.0
    broken("openai", client)
    late = world.post(stream=False)
    assert world.run() < 0.1
    assert told("openai", late, stream=False).status == 503


@pytest.mark.parametrize("words", [0, 3])
@pytest.mark.parametrize("back", [None, 2.0, 7.0])
def test_an_endpoint_that_stays_in_the_snapshot_is_asked_once_more_after_five_seconds(
    words: int, back: float | None
) -> None:
    """As one that is written down and that nobody looks after."""
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001, None)
    if back is not None:
        world.later(back, lambda: setattr(world.servers[HERE], "dead", False))
    seconds = world.run()
    assert 5.0 <= seconds <= 5.8
    if back == 2.0:
        assert text("openai", client) == TEXT
        assert world.outcomes == [*(["Cut"] if words else []), "Connect", "Ok"]
    elif words:
        broken("openai", client)
        assert world.outcomes == ["Cut", "Connect", "Connect"]
    else:
        assert told("openai", client, stream=False).status == 502
        assert world.outcomes == ["Connect", "Connect"]


def test_those_that_a_breaker_keeps_from_an_endpoint_that_is_back_go_on_one_after_the_other() -> None:
    world = World(breaker={"failures": 1})
    clients = [world.post() for _ in range(5)]
    world.dies(after(3), None)
    world.later(2.0, lambda: setattr(world.servers[HERE], "dead", False))
    assert world.run() <= 7.0
    assert [text("openai", client) for client in clients] == [TEXT] * 5


@pytest.mark.parametrize("words", [0, 3])
def test_however_many_wait_for_an_endpoint_that_is_dead_for_good_none_does_for_longer(words: int) -> None:
    """Its breaker lets one in at a time: what that one finds out, all know."""
    world = World(spec={"engine": {"parallel": 200}})
    asked: list[tuple[float, Client]] = []

    def ask() -> None:
        asked.append((world.now, world.post()))

    for number in range(200):
        world.later(number * 0.0001 if words else number * 0.05, ask)
    world.dies(after(words) if words else 0.0, None)
    ended: dict[int, float] = {}
    for look in range(200):
        moment = look * 0.1

        def note() -> None:
            for number, (_, client) in enumerate(asked):
                if client.whole is not None:
                    ended.setdefault(number, world.now)

        world.later(moment, note)
    world.run_all()
    assert len(ended) == 200
    assert max(ended[number] - begun for number, (begun, _) in enumerate(asked)) < 6.0
    assert sum(outcome == "Connect" for outcome in world.outcomes) <= 400
    assert world.idle()


@pytest.mark.parametrize(("most", "outcomes"), [(1, ["Cut"]), (2, ["Cut", "Connect"]), (3, ["Cut", "Connect", "Ok"])])
def test_attempts_are_counted(most: int, outcomes: list[str]) -> None:
    world = World(fallback={"maxAttempts": most})
    client = world.post()
    world.dies(after(3))
    world.returns(8.0)
    seconds = world.run()
    assert world.outcomes == outcomes
    if most < 3:
        assert seconds < 0.2, "whoever has no attempt left need not wait"
        broken("openai", client)
    else:
        assert text("openai", client) == TEXT


def test_a_chain_that_ends_at_a_break_or_at_a_refusal_does_not_wait() -> None:
    world = World(streaming=MISSED)
    client = world.post()
    world.dies(after(3))
    assert world.run() < 0.2
    broken("openai", client)
    strict = World(fallback={"onOutcomes": ["Timeout"]})
    client = strict.post()
    strict.dies(0.001)
    assert strict.run() < 0.2
    assert told("openai", client, stream=False).status == 502


@pytest.mark.parametrize("seen", [0.01, 1.0])
def test_what_engines_seem_to_die_of_is_given_up_and_a_stream_beside_it_goes_on(seen: float) -> None:
    world = World()
    stream = world.post()
    poison: list[Client] = []
    world.later(after(3), lambda: poison.append(world.post(stream=False)))
    world.dies(after(3) + 0.002, seen)
    world.returns(5.0)
    world.dies(5.002, seen)
    world.returns(10.0, HERE)
    world.run_all()
    assert told("openai", poison[0], stream=False).status == 502
    assert text("openai", stream) == TEXT
    assert [one.outcome.value for one in world.attempts if not one.stream] == ["Connect", "Connect"]
    assert [one.outcome.value for one in world.attempts if one.stream] == ["Cut", "Connect", "Connect", "Ok"]


@pytest.mark.parametrize("deadline", [1.03, 1.11, 1.17, 2.05])
def test_the_deadline_is_kept_between_two_looks_at_what_became_of_it(deadline: float) -> None:
    world = World(fallback={"deadline": f"{deadline}s"})
    world.dies(0.0, seen=None)
    client = world.post(stream=False)
    assert deadline <= world.run() <= deadline + 0.1
    assert client.whole is not None

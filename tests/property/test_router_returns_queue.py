"""Those who wait together for a Model's only endpoint that died: their places, what they are told, how they leave."""

from __future__ import annotations

import pytest

from support.replies import PATHS, told
from support.returns import ELSEWHERE, HERE, World, after, state, text
from support.simulation import Client, Fault
from support.simulation_answers import TEXT


def test_those_who_have_begun_and_wait_for_a_slot_wait_on() -> None:
    world = World(spec={"engine": {"parallel": 1}})
    clients = [world.post()]
    world.later(0.001, lambda: clients.append(world.post(stream=False)))
    world.dies(after(3), 0.1)
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client, stream=number == 0) for number, client in enumerate(clients)] == [TEXT] * 2
    assert world.idle()


@pytest.mark.parametrize("longest", [0, 1])
def test_a_begun_stream_has_a_place_in_the_queue_however_long_it_is(longest: int) -> None:
    world = World(spec={"limits": {"maxQueued": longest}})
    clients = [world.post() for _ in range(3)]
    world.dies(after(3))
    refused: list[Client] = []
    for second in (2.0, 2.1):
        world.later(second, lambda: refused.append(world.post(stream=False)))
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client) for client in clients] == [TEXT] * 3
    assert [told("openai", client, stream=False).status for client in refused] == [503, 503]


@pytest.mark.parametrize("dialect", PATHS)
def test_the_client_is_told_that_it_waits(dialect: str) -> None:
    world = World()
    client = world.post(dialect)
    world.dies(after(3))
    lengths: list[int] = []
    world.later(10.0, lambda: lengths.append(len(client.received)))
    world.later(0.9, lambda: lengths.append(len(client.received)))
    world.returns(25.0)
    world.run()
    assert text(dialect, client) == TEXT
    assert lengths[0] == lengths[1], "a restart that is short needs no words"
    assert client.received.count(b": m1 Failed\n") == 2
    assert client.received.count(b"event: ping") == (2 if dialect == "anthropic" else 0)
    assert client.received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("gone", [0.3, 3.0, 15.0])
@pytest.mark.parametrize("words", [0, 3])
def test_a_client_that_hangs_up_is_forgotten_at_once(gone: float, words: int) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001)
    world.later(gone, client.exchange.client_gone)
    assert world.run() <= gone + 0.1
    assert world.idle()
    world.returns(1.0)
    world.run_all()
    assert world.servers[ELSEWHERE].requests == 0


@pytest.mark.parametrize("stops", [0.3, 3.0, 15.0])
@pytest.mark.parametrize("words", [0, 3])
def test_a_router_that_stops_tells_who_waits(stops: float, words: int) -> None:
    world = World()
    client = world.post()
    world.dies(after(words) if words else 0.001)
    world.later(stops, client.exchange.router_stops)
    world.run()
    if words or stops > 10.0:
        assert "stopping" in str(told("openai", client, stream=True).error)
    else:
        assert told("openai", client, stream=False).status == 503
    assert world.idle()


def test_fifty_streams_go_on() -> None:
    world = World(spec={"engine": {"parallel": 50}}, fallback={"deadline": "10m"})
    clients = [world.post() for _ in range(50)]
    late: list[Client] = []
    world.dies(after(3))
    world.later(3.0, lambda: late.append(world.post(stream=False)))
    world.returns(8.0)
    world.run_all()
    assert [text("openai", client) for client in clients] == [TEXT] * 50
    assert text("openai", late[0], stream=False) == TEXT
    assert world.idle()


def test_who_has_waited_and_fails_waits_before_those_who_came_later() -> None:
    """Its endpoint fails at its turn, and the slots are taken again: it is the next for all that."""
    world = World(spec={"engine": {"parallel": 1}})
    world.become(state("Ready", "Serving"), HERE, ELSEWHERE)
    order: list[str] = []
    world.post(stream=False)
    world.run()
    # Where the conversation is at home, and where not.
    home, other = (HERE, ELSEWHERE) if world.servers[HERE].requests else (ELSEWHERE, HERE)
    world.servers[home].faults = [Fault("slow")] * 9
    world.servers[other].faults = [Fault("slow"), Fault("500"), *[Fault("slow")] * 9]
    for name in "abcdefgh":
        note(order, name, world.post(stream=False))
    world.run()
    assert world.outcomes[1:] == ["Ok", "Ok", "ServerError", *["Ok"] * 6]
    assert order == list("abcedfgh"), "d failed and e took the slot"


def note(order: list[str], name: str, client: Client) -> None:
    """Note when its reply is whole."""
    done = client.done

    def noting(*, keep_alive: bool) -> None:
        order.append(name)
        done(keep_alive=keep_alive)

    client.done = noting  # type: ignore[method-assign]

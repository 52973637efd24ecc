"""Lookups of names: shared by all who wait, held up by nobody else's, and not waited for at the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from auriga_router.wire import lookups
from auriga_router.wire.lookups import Lookups


class Resolver:
    """Names that begin with ``hang`` are answered when it is released; ``none`` does not exist."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun = threading.Semaphore(0)
        self.release = threading.Event()

    def __call__(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        self.begun.release()
        if name.startswith("hang"):
            self.release.wait(60)
        if name == "none":
            raise OSError("no such name")
        return ["192.0.2.1"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "fe80::1%lo"])
async def test_an_address_is_not_looked_up(address: str) -> None:
    resolver = Resolver()
    assert await Lookups(resolver).addresses(address) == (address,)
    assert resolver.asked == []


async def test_many_who_wait_for_one_name_share_a_lookup_and_hold_up_no_other() -> None:
    resolver = Resolver()
    names = Lookups(resolver)
    waiting = [asyncio.create_task(names.addresses("hang")) for _ in range(20)]
    assert await names.addresses("well") == ["192.0.2.1"]
    resolver.release.set()
    assert await asyncio.gather(*waiting) == [["192.0.2.1"]] * 20
    assert sorted(resolver.asked) == ["hang", "well"]


async def test_who_gives_up_leaves_its_lookup_to_the_next() -> None:
    resolver = Resolver()
    names = Lookups(resolver)
    impatient = asyncio.create_task(names.addresses("hang"))
    await asyncio.to_thread(resolver.begun.acquire)
    impatient.cancel()
    await asyncio.wait([impatient])
    patient = asyncio.create_task(names.addresses("hang"))
    await asyncio.sleep(0)
    resolver.release.set()
    assert await patient == ["192.0.2.1"]
    assert resolver.asked == ["hang"]


async def test_no_more_than_so_many_at_once_and_the_rest_in_turn() -> None:
    resolver = Resolver()
    names = Lookups(resolver, most=2)
    waiting = [asyncio.create_task(names.addresses(name)) for name in ("hang1", "hang2", "third")]
    for _ in range(2):
        await asyncio.to_thread(resolver.begun.acquire)
    assert sorted(resolver.asked) == ["hang1", "hang2"]
    resolver.release.set()
    await asyncio.gather(*waiting)
    assert resolver.asked[2] == "third"


async def test_what_was_found_is_known_for_a_while_and_what_failed_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver()
    names = Lookups(resolver)
    for _ in range(2):
        await names.addresses("well")
        with pytest.raises(OSError, match="no such name"):
            await names.addresses("none")
    assert resolver.asked == ["well", "none", "none"]
    monkeypatch.setattr(lookups, "_FRESH_SECONDS", 0.0)
    again = Lookups(resolver)
    for _ in range(2):
        await again.addresses("well")
    assert resolver.asked[3:] == ["well", "well"]


async def test_where_nobody_listens_the_name_is_looked_up_again() -> None:
    def ask(name: str) -> Sequence[str]:
        asked.append(name)
        return ["127.0.0.1"]

    asked: list[str] = []
    names = Lookups(ask)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await names.connect(asyncio.Protocol, "moved", 1)
    assert asked == ["moved", "moved"]


async def test_the_next_address_is_tried() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        transport, _ = await Lookups(lambda _: ["127.0.0.2", "127.0.0.1"]).connect(asyncio.Protocol, "two", port)
        assert transport.get_extra_info("peername") == ("127.0.0.1", port)
        transport.close()


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..b"])
async def test_what_cannot_be_a_name_is_told(name: str) -> None:
    with pytest.raises((ValueError, OSError)):
        await Lookups().connect(asyncio.Protocol, name, 80)


def test_the_process_ends_while_a_lookup_hangs() -> None:
    program = """
import asyncio, threading, uvloop
from auriga_router.wire.lookups import Lookups
begun = threading.Event()
def ask(name):
    begun.set()
    threading.Event().wait(600)
async def main():
    waiting = asyncio.create_task(Lookups(ask).addresses("hang"))
    while not begun.is_set():
        await asyncio.sleep(0.01)
uvloop.run(main())
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0

"""Who may lead, and what happens when it cannot."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.leader import Elector, Sight, look, may_take
from auriga_operator.resources import Key, Object

LEASE = Key("Lease", "n", "auriga")


def lease(holder: str, renewed: str = "t1", seconds: int = 10) -> Object:
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": seconds}}


def test_a_lease_that_is_renewed_is_seen_anew() -> None:
    first = look(lease("a"), None, 100.0)
    assert first == Sight("a", "t1", 10.0, 100.0)
    assert look(lease("a"), first, 105.0).since == 100.0
    assert look(lease("a", "t2"), first, 105.0).since == 105.0
    assert look(lease("b"), first, 105.0).since == 105.0


@pytest.mark.parametrize(
    ("sight", "now", "free"),
    [
        (None, 0, True),
        (Sight("", "t", 10, 0), 0, True),
        (Sight("me", "t", 10, 0), 0, True),
        (Sight("other", "t", 10, 0), 9.9, False),
        (Sight("other", "t", 10, 0), 10, True),
    ],
)
def test_a_lease_is_free_when_nobody_renews_it(sight: Sight | None, now: float, free: bool) -> None:
    assert may_take(sight, "me", now) is free


class Leases:
    """One Lease as an API server keeps it."""

    def __init__(self) -> None:
        self.item: Object | None = None
        self.away = False
        self.version = 0

    async def get(self, key: Key) -> Object | None:
        self._answer()
        return self.item

    async def create(self, item: Object) -> Object:
        self._answer()
        if self.item:
            raise ApiError(409, "AlreadyExists", "")
        return self._keep(item)

    async def replace(self, item: Object) -> Object:
        self._answer()
        if not self.item or item["metadata"]["resourceVersion"] != self.item["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "")
        return self._keep(item)

    def _answer(self) -> None:
        if self.away:
            raise Unreachable("away")

    def _keep(self, item: Object) -> Object:
        self.version += 1
        self.item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        return self.item

    @property
    def holder(self) -> str:
        return str(self.item["spec"]["holderIdentity"]) if self.item else ""


class Replica:
    """An elector with work that only waits."""

    def __init__(self, leases: Leases, name: str) -> None:
        self.leading = asyncio.Event()
        self.stopped = asyncio.Event()
        self.elector = Elector(leases, LEASE, name, 0.4, self.lead)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.elector.run())

    async def lead(self) -> None:
        self.leading.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.leading.clear()
            self.stopped.set()

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


async def test_one_leads_and_gives_the_lease_back_when_it_stops() -> None:
    leases = Leases()
    one, two = Replica(leases, "one"), Replica(leases, "two")
    async with asyncio.timeout(5):
        await asyncio.wait(
            [asyncio.create_task(each.leading.wait()) for each in (one, two)], return_when="FIRST_COMPLETED"
        )
    first, second = (one, two) if one.leading.is_set() else (two, one)
    assert not second.leading.is_set()
    await first.stop()
    assert first.stopped.is_set()
    await within(second.leading)
    assert leases.holder == ("two" if first is one else "one")
    assert leases.item
    assert leases.item["spec"]["leaseTransitions"] >= 1
    await second.stop()
    assert leases.holder == ""


async def test_a_leader_that_cannot_renew_stops_and_leads_again_when_it_can() -> None:
    leases = Leases()
    one = Replica(leases, "one")
    await within(one.leading)
    leases.away = True
    await within(one.stopped)
    assert not one.elector.leading
    leases.away = False
    await within(one.leading)
    await one.stop()


async def test_a_leader_whose_lease_was_taken_stops() -> None:
    leases = Leases()
    one = Replica(leases, "one")
    await within(one.leading)
    assert leases.item
    spec: dict[str, Any] = {**leases.item["spec"], "holderIdentity": "another", "leaseDurationSeconds": 3600}
    await leases.replace({**leases.item, "spec": spec})
    await within(one.stopped)
    await one.stop()
    assert leases.holder == "another"


async def test_work_that_breaks_ends_the_replica() -> None:
    async def lead() -> None:
        raise ValueError("broken")

    elector = Elector(Leases(), LEASE, "one", 0.4, lead)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="broken"):
        async with asyncio.timeout(5):
            await elector.run()

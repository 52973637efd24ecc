"""A process that has been told to leave: how long its requests may take, and what the router is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from auriga_api.model import Autoscaling
from auriga_cli.engines.engine import llama_server
from auriga_cli.local.fleet import Fleet, Surroundings
from auriga_cli.local.plan import StartEngine, StopReason
from auriga_cli.local.state import Fetch, Limits, Wanted, WeightsRequest
from support.engines import BOUND, fake_engine

KEY = "default/m"
REQUEST = WeightsRequest("w", {}, "/", 512, 1)
DRAIN = 600.0


@dataclass
class Serving:
    """A fleet with one healthy process, which has a request in flight for ever."""

    fleet: Fleet
    changed: asyncio.Event
    clock: list[float] = field(default_factory=list)
    """Seconds added to the time."""

    async def until_gone(self) -> None:
        async with asyncio.timeout(BOUND):
            while self.fleet.processes():
                self.changed.clear()
                await self.changed.wait()

    def stop(self, reason: StopReason) -> None:
        self.fleet.stop(self.fleet.processes()[0].id, reason)

    async def later(self, seconds: float) -> None:
        """Lets it look twice: it does so every 0.05 seconds."""
        self.clock.append(seconds)
        await asyncio.sleep(0.15)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Serving]:
    changed, clock = asyncio.Event(), [0.0]
    around = Surroundings(
        engine=llama_server(str(fake_engine(folder))),
        logs=folder,
        limits=Limits(),
        now=lambda: time.monotonic() + sum(clock),
        wake=changed.set,
        load=lambda _model, _address: 1,
        ended=lambda _slot, _ending, _failure: None,
        drain=DRAIN,
    )
    fleet = Fleet(around)
    await fleet.start(StartEngine(KEY, 0, "r1", 0), wanted(), Fetch("w", "Done", path="/m.gguf"))
    try:
        async with asyncio.timeout(BOUND):
            await changed.wait()
        yield Serving(fleet, changed, clock)
    finally:
        await fleet.close()


def wanted(autoscaling: Autoscaling | None = None) -> Wanted:
    return Wanted(KEY, "m", 1, REQUEST, "r1", autoscaling=autoscaling)


@pytest.mark.parametrize(("reason", "left_alone"), [("Turn", True), ("Removed", True), ("Unresponsive", False)])
async def test_who_finishes_what_it_has_begun_is_told_to_the_router(
    tmp_path: Path, reason: StopReason, left_alone: bool
) -> None:
    async with serving(tmp_path) as found:
        [process] = found.fleet.processes()
        assert (found.fleet.endpoints(), found.fleet.leaving()) == ({KEY: (process.address,)}, {})
        found.stop(reason)
        leaving = {KEY: (process.address,)} if left_alone else {}
        assert (found.fleet.endpoints(), found.fleet.leaving()) == ({}, leaving)


@pytest.mark.parametrize("after", [{}, {KEY: wanted()}], ids=["deleted", "without autoscaling"])
async def test_a_model_that_takes_no_turns_any_more_has_no_more_time_than_others(
    tmp_path: Path, after: dict[str, Wanted]
) -> None:
    async with serving(tmp_path) as found:
        found.stop("Turn")
        found.fleet.hasten({KEY: wanted(Autoscaling())})
        await found.later(3600)
        assert found.fleet.processes()
        found.fleet.hasten(after)
        await found.later(DRAIN / 10)
        assert found.fleet.processes()
        await found.later(DRAIN)
        await found.until_gone()

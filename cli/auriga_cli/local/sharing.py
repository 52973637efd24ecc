"""This machine's memory, and that of its GPUs, among the Models that take turns. Pure.

Where nobody knows how much memory the GPUs have, one Model at a time gets them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from auriga_api.load import ModelLoad
from auriga_api.model import Artifact
from auriga_cli.local.claim import NEVER, Claim
from auriga_cli.local.demand import Demand, demand, observed
from auriga_cli.local.memory import gpu_need, need, room
from auriga_cli.local.plan import Shortage
from auriga_cli.local.state import Limits, Process, Wanted, World
from auriga_cli.local.turns import Turns, Wait, decide

_BOUNDLESS = 1 << 62
_NO_LOAD = ModelLoad()


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who gets how many replicas now, and what is remembered for the next look."""

    wanted: Mapping[str, Wanted]
    """All Models, with the replicas that they may have."""
    demands: Mapping[str, Demand] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)
    shortages: Mapping[str, Shortage] = field(default_factory=dict)
    wake_at: float = NEVER


def share(
    world: World, loads: Mapping[str, ModelLoad], before: Mapping[str, Demand], now: float, limits: Limits
) -> Sharing:
    """``world`` as it is wanted, with the turns of those that have ``autoscaling``; ``before``: at the last look."""
    demands = {
        key: demand(seen, before.get(key), now)
        for key, wanted in world.wanted.items()
        if (seen := observed(wanted, loads.get(key, _NO_LOAD), world, now, limits))
    }
    if not demands:
        return Sharing(world.wanted)
    here = _turns(_claims(world, demands, on_gpu=False), _room(world), now)
    gpus = _gpu_turns(world, _claims(world, demands, on_gpu=True), now)
    replicas = {**here.replicas, **gpus.replicas}
    waits = {**here.waits, **gpus.waits}
    return Sharing(
        {key: replace(each, replicas=replicas.get(key, each.replicas)) for key, each in world.wanted.items()},
        demands,
        waits,
        {key: _shortage(world, demands[key].claim) for key, wait in waits.items() if wait.why == "TooLarge"},
        min(here.wake_at, gpus.wake_at, *(each.look_again for each in demands.values())),
    )


def _claims(world: World, demands: Mapping[str, Demand], *, on_gpu: bool) -> list[Claim]:
    return [each.claim for key, each in demands.items() if world.wanted[key].on_gpu == on_gpu]


def _turns(claims: list[Claim], free: int, now: float) -> Turns:
    return decide(claims, free, now) if claims else Turns()


def _gpu_turns(world: World, claims: list[Claim], now: float) -> Turns:
    if world.gpu_memory is None:
        one_each = [replace(each, size=1, held=each.running, leaving=min(each.leaving, 1)) for each in claims]
        return _turns(one_each, 1 - sum(each.held + each.leaving for each in one_each), now)
    return _turns(claims, _gpu_room(world, world.gpu_memory), now)


def _room(world: World) -> int:
    """Free, less what Models will take that are always there."""
    if world.memory is None:
        return _BOUNDLESS
    passing = sum(process.memory for process in _passing(world))
    return _unclaimed(room(world.memory, world.processes), passing, (need(*each) for each in _coming(world)))


def _gpu_room(world: World, total: int) -> int:
    free = total - sum(process.gpu_memory for process in world.processes)
    passing = sum(process.gpu_memory for process in _passing(world))
    return _unclaimed(free, passing, (gpu_need(*each) for each in _coming(world)))


def _unclaimed(free: int, passing: int, coming: Iterator[int]) -> int:
    """What is free, less what those take that are to come; ``passing``: what would come free for them.

    Nothing is kept for one that does not fit even then: it is never going to come, and others would wait in vain.
    """
    for size in coming:
        if size <= free + passing:
            free -= size
    return free


def _passing(world: World) -> Iterator[Process]:
    """What runs, and takes turns or is wanted no more."""
    for process in world.processes:
        wanted = world.wanted.get(process.model)
        if wanted is None or wanted.autoscaling is not None:
            yield process


def _coming(world: World) -> Iterator[tuple[Wanted, Artifact | None]]:
    """Each replica that is always to be there and is not yet."""
    for wanted in world.wanted.values():
        if wanted.autoscaling is None and wanted.blocked is None:
            fetch = world.fetches.get(wanted.request.id)
            here = {process.replica for process in world.processes if process.model == wanted.model}
            for _ in set(range(wanted.replicas)) - here:
                yield wanted, fetch.artifact if fetch else None


def _shortage(world: World, claim: Claim) -> Shortage:
    """Of one that is larger than all that could come free."""
    if world.wanted[claim.model].on_gpu:
        total = world.gpu_memory or 0
        return Shortage(claim.size, total - sum(process.gpu_memory for process in world.processes), total)
    return Shortage(claim.size, _room(world), world.memory.total if world.memory else 0)

"""What each Model with ``autoscaling`` wants of this machine now: from its load and its processes. Pure.

How many replicas its load asks for is decided as the operator does. A Model that is away comes only when it has been
asked since it left, or since it failed: what asked it before was answered, or told why not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from auriga_api.load import ModelLoad
from auriga_api.model import Autoscaling
from auriga_cli.local.backoff import retry_at
from auriga_cli.local.claim import NEVER, Claim
from auriga_cli.local.memory import gpu_need, need
from auriga_cli.local.state import Limits, Process, Wanted, World
from auriga_operator import autoscale

_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Demand:
    """What is remembered of one Model from look to look. Times are seconds of one monotonic clock."""

    scaling: autoscale.State
    claim: Claim
    look_again: float = NEVER
    """When time alone may change what it wants."""
    requests: int = 0
    wanted_at: float = _NEVER
    """When a request last wanted it."""
    here_at: float = _NEVER
    """When it last had a process that had not been told to leave, or told that it failed."""
    started: float | None = None
    """When it began to load, while it loads."""
    begun: int = 0
    """Requests that had wanted it when it came."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What is seen of one Model at a look."""

    wanted: Wanted
    autoscaling: Autoscaling
    load: ModelLoad
    running: tuple[Process, ...]
    leaving: tuple[Process, ...]
    failed: bool
    """It has failed just now: who asks is told so."""
    startable: bool
    """Its weights are here, and nothing is wrong with it."""
    size: int

    @property
    def healthy(self) -> list[Process]:
        return [process for process in self.running if process.state == "Healthy"]


def observed(wanted: Wanted, load: ModelLoad, world: World, now: float, limits: Limits) -> Observed | None:
    """What is seen of a Model; None if it has no ``autoscaling``."""
    if wanted.autoscaling is None:
        return None
    mine = [process for process in world.processes if process.model == wanted.model]
    fetch = world.fetches.get(wanted.request.id)
    artifact = fetch.artifact if fetch else None
    due = now >= retry_at(world.failures.get((wanted.model, 0, wanted.revision)), limits)
    here = fetch is not None and fetch.state == "Done"
    return Observed(
        wanted,
        wanted.autoscaling,
        load,
        tuple(each for each in mine if each.state != "Stopping"),
        tuple(each for each in mine if each.state == "Stopping"),
        failed=not due,
        startable=here and due and wanted.blocked is None,
        size=gpu_need(wanted, artifact) if wanted.on_gpu else need(wanted, artifact),
    )


def demand(seen: Observed, before: Demand | None, now: float) -> Demand:
    """What it wants now; ``before``: the same at the last look."""
    running, load = len(seen.running), seen.load
    scaling = before.scaling if before else autoscale.begin(running, now)
    decision = autoscale.decide(seen.autoscaling, load, scaling, autoscale.Facts(len(seen.healthy)), now)
    known = before or Demand(scaling, Claim(seen.wanted.model, 0), requests=load.requests)
    grown = load.requests != known.requests or load.queued > 0
    after = replace(
        known,
        scaling=decision.state,
        look_again=now + decision.look_again if decision.look_again is not None else NEVER,
        requests=load.requests,
        wanted_at=now if grown else known.wanted_at,
        here_at=now if running or seen.failed else known.here_at,
    )
    return _claimed(seen, after, decision.desired, now)


def _claimed(seen: Observed, known: Demand, desired: int, now: float) -> Demand:
    load, before = seen.load, known.claim
    running = len(seen.running)
    in_flight = sum(each.in_flight for each in load.endpoints.values())
    healthy = seen.healthy
    ready = min(process.since for process in healthy) if healthy else None
    started = min((process.since for process in seen.running if process.state == "Loading"), default=None)
    came = ready is not None and before.ready is None
    waits = load.queued > 0 and not running
    claim = Claim(
        seen.wanted.model,
        seen.size,
        desired=desired if running or _comes(seen, known, desired) else 0,
        waiting=load.queued,
        in_flight=in_flight,
        asked=(now if before.asked is None else before.asked) if waits else None,
        used=now if in_flight or load.queued or came or known.wanted_at == now else before.used,
        running=running,
        held=sum(map(_held, seen.running)),
        leaving=sum(map(_held, seen.leaving)),
        ready=ready,
        load_time=ready - known.started if came and ready and known.started is not None else before.load_time,
        group=load.queued if came else before.group,
        least=seen.autoscaling.min_replicas if seen.startable or running else 0,
    )
    begun = load.requests if came else known.begun
    claim = replace(claim, served=load.requests - begun)
    return replace(known, claim=claim, started=started, begun=begun)


def _comes(seen: Observed, known: Demand, desired: int) -> bool:
    """Whether a Model that is away may come."""
    asked = known.wanted_at > known.here_at or seen.autoscaling.min_replicas > 0
    return desired > 0 and asked and seen.startable


def _held(process: Process) -> int:
    return process.gpu_memory or process.memory

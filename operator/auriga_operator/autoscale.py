"""How many replicas a Model with ``autoscaling`` gets. Pure: what is known of the load, and ``now``, in; a number out.

Up at once, because somebody waits. Down only to what was needed at most within the last minutes, so that a pause
between two bursts costs no start of an engine. Never down on ignorance: a router that does not tell may be busy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from auriga_api.load import ModelLoad
from auriga_api.model import Autoscaling
from auriga_api.quantity import seconds
from auriga_operator.texts import duration

STABILISATION_SECONDS = 300.0
"""What was needed within this time stays, unless idleTimeout is shorter. The HorizontalPodAutoscaler's default."""
START_SECONDS = 3600.0
"""While no replica is ready a Model is idle only after this time: whoever woke it may have been answered elsewhere long
before a node and its weights are there, and it would never get up."""
UNKNOWN_SECONDS = 60.0
"""How long the load may be unknown before the reason says so: a restart of the operator or a router is no news."""
_SOONEST = 0.05

Cause = Literal["Load", "AtMax", "Unschedulable", "Unknown"]
"""What the number of replicas is due to: the load, or what keeps it from following the load."""
Want = tuple[float, int]
"""Until when so many replicas were wanted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What else is known of the Model now."""

    ready: int = 0
    """Replicas that answer."""
    unschedulable: int = 0
    """Replicas that there is no room for."""
    complete: bool = True
    """Whether the load is that of all routers."""


@dataclass(frozen=True, slots=True)
class State:
    """What one decision hands on to the next. Times in seconds, of any clock."""

    desired: int
    wants: tuple[Want, ...]
    """What was wanted within the window: the highest first, then what was wanted after that, and so on."""
    active: float
    """When it was last busy, asked, or came up."""
    known: float
    """When the load was last that of all routers."""
    busy: bool = False
    idle: bool = False
    ready: bool = False
    requests: int | None = None
    cause: Cause = "Load"
    reason: str = ""
    scaled: float | None = None
    """When ``desired`` last changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas there are to be, and why. The reason stays until the number or its cause changes."""

    desired: int
    reason: str
    state: State
    look_again: float | None
    """Seconds after which time alone may change the decision."""


def begin(replicas: int, now: float, *, reason: str = "", scaled: float | None = None) -> State:
    """The state of somebody who knows only how many replicas there are: they count as wanted until now."""
    return State(replicas, ((now, replicas),), active=now, known=now, ready=replicas > 0, reason=reason, scaled=scaled)


def decide(spec: Autoscaling, load: ModelLoad | None, state: State, facts: Facts, now: float) -> Decision:
    """How many replicas there are to be. ``load``: of all routers together; None while none has told.

    ``load.requests`` must grow only when the Model is asked, not when a router comes; ``load.idle`` is as of now.
    """
    known = load or ModelLoad()
    facts = replace(facts, complete=facts.complete and load is not None)
    woken = _woken(spec, known, state)
    after = _lived(spec, known, state, facts, now, woken=woken)
    wanted = max(after.wants[0][1], int(woken), 0 if after.idle else min(1, state.desired))
    desired, limit = _limited(spec, wanted, state.desired, facts)
    after = replace(after, desired=desired, cause=_lasting(limit, after, desired, facts, now))
    if not state.reason or (desired, after.cause) != (state.desired, state.cause):
        after = replace(after, reason=_reason(spec, known, wanted, after, facts))
    if desired != state.desired:
        after = replace(after, scaled=now)
    return Decision(desired, after.reason, after, _look_again(spec, after, facts, now))


def _woken(spec: Autoscaling, load: ModelLoad, state: State) -> bool:
    """Whether it was asked. What was asked for before this decider was there is told by nothing but the time."""
    if state.requests is not None:
        return load.requests > state.requests
    return load.idle is not None and load.idle < seconds(spec.idle_timeout)


def _lived(spec: Autoscaling, load: ModelLoad, state: State, facts: Facts, now: float, *, woken: bool) -> State:
    """The state with what has happened until now."""
    waiting = load.in_flight + load.queued
    want = _needed(spec, load)
    active = _active(load, state, facts, now, woken=woken)
    idle = facts.complete and not waiting and now - active >= _patience(spec, facts.ready)
    # What is not known may be as much as there was.
    counted = want if facts.complete else max(want, state.desired)
    return replace(
        state,
        active=active,
        idle=idle,
        known=now if facts.complete else state.known,
        wants=((now, 0),) if idle else _wants(state.wants, counted, now, _window(spec)),
        busy=waiting > 0,
        ready=facts.ready > 0,
        requests=load.requests if facts.complete else state.requests,
    )


def _active(load: ModelLoad, state: State, facts: Facts, now: float, *, woken: bool) -> float:
    """When it was last busy, asked, or came up."""
    if load.in_flight or load.queued or state.busy or (facts.ready and not state.ready):
        return now
    asked = now - load.idle if load.idle is not None else None
    if state.requests is None:
        return asked if asked is not None and facts.complete else now
    return now if woken else max(state.active, asked or state.active)


def _wants(before: tuple[Want, ...], want: int, now: float, window: float) -> tuple[Want, ...]:
    """The highest first, and after each only what was wanted later: never more entries than there were replicas."""
    # What was wanted last was wanted until now.
    ended = [*(each for each in before[:-1] if each[0] > now - window), (now, before[-1][1])]
    return (*(each for each in ended if each[1] > want), (now, want))


def _limited(spec: Autoscaling, wanted: int, current: int, facts: Facts) -> tuple[int, Cause]:
    """What is wanted, as far as it may be had, and what kept it back."""
    least, most = spec.min_replicas, spec.max_replicas
    allowed = min(max(wanted, least), most)
    # From zero one finds out: what had no room may just be going.
    if facts.unschedulable and 0 < current < allowed and allowed > least:
        return max(current, least), "Unschedulable"
    return allowed, "AtMax" if wanted > most else "Load"


def _lasting(limit: Cause, before: State, desired: int, facts: Facts, now: float) -> Cause:
    """The cause, which must not change with each burst: whoever reads it is told once for each number of replicas."""
    if limit == "Load" and now - before.known >= UNKNOWN_SECONDS:
        limit = "Unknown"
    lasts = {"AtMax": True, "Unschedulable": facts.unschedulable > 0}
    keeps = desired == before.desired and limit == "Load" and lasts.get(before.cause, False)
    return before.cause if keeps else limit


def _reason(spec: Autoscaling, load: ModelLoad, wanted: int, state: State, facts: Facts) -> str:
    desired = state.desired
    if state.cause == "Unknown":
        return "not all routers tell their load: nothing is lowered until they do"
    if state.cause == "Unschedulable":
        most = min(wanted, spec.max_replicas)
        return f"{most} replicas are wanted, but there is no room yet for {facts.unschedulable} of {desired}"
    if wanted > spec.max_replicas:
        return f"{_load(spec, load, wanted)}; maxReplicas is {spec.max_replicas}"
    if state.idle:
        return f"no request for {spec.idle_timeout}"
    if desired == spec.min_replicas and _needed(spec, load) < max(desired, 1):
        return f"minReplicas is {desired}" if desired else "nobody asks it"
    return _load(spec, load, wanted)


def _load(spec: Autoscaling, load: ModelLoad, wanted: int) -> str:
    waiting = load.in_flight + load.queued
    if not waiting and wanted == 1:
        asked = load.requests > 0 or (load.idle is not None and load.idle < seconds(spec.idle_timeout))
        return (
            f"asked within the last {spec.idle_timeout}" if asked else f"not known to be idle for {spec.idle_timeout}"
        )
    if _needed(spec, load) < wanted:
        return f"at most {wanted} were wanted within {duration(_window(spec))}"
    return f"{load.in_flight} in flight and {load.queued} queued, with {spec.target_in_flight} for each replica"


def _needed(spec: Autoscaling, load: ModelLoad) -> int:
    return -(-(load.in_flight + load.queued) // spec.target_in_flight)


def _window(spec: Autoscaling) -> float:
    return min(STABILISATION_SECONDS, seconds(spec.idle_timeout))


def _patience(spec: Autoscaling, ready: int) -> float:
    idle = seconds(spec.idle_timeout)
    return idle if ready else max(idle, START_SECONDS)


def _look_again(spec: Autoscaling, state: State, facts: Facts, now: float) -> float | None:
    if state.desired <= spec.min_replicas:
        return None
    if not facts.complete:
        left = state.known + UNKNOWN_SECONDS - now
        return left if left > 0 else None
    times = [state.wants[0][0] + _window(spec)] if len(state.wants) > 1 else []
    times += [] if state.busy else [state.active + _patience(spec, facts.ready)]
    return max(min(times) - now, _SOONEST) if times else None

"""Whatever load comes, whenever it is looked at: within bounds, no slower up than told, no flapping on the way down."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from auriga_api.load import ModelLoad
from auriga_api.model import Autoscaling
from auriga_operator.autoscale import STABILISATION_SECONDS, START_SECONDS, Decision, Facts, begin, decide

READY = Facts(ready=1)


@dataclass(frozen=True)
class Step:
    """What is told after a while."""

    after: float
    in_flight: int = 0
    queued: int = 0
    requests: int = 0
    """How many came since the step before."""
    facts: Facts = READY


@dataclass(frozen=True)
class Moment:
    """One decision, and what it was made from."""

    now: float
    want: int
    facts: Facts
    before: int
    decision: Decision

    @property
    def desired(self) -> int:
        return self.decision.desired


SPECS = st.builds(
    lambda least, more, target: Autoscaling(
        min_replicas=least, max_replicas=max(1, least + more), target_in_flight=target, idle_timeout="10m"
    ),
    st.integers(0, 3),
    st.integers(0, 9),
    st.integers(1, 6),
)
FACTS = st.builds(Facts, st.integers(0, 3), st.integers(0, 2), st.booleans())
PAUSES = st.one_of(st.floats(0, 2), st.sampled_from([0.0, 0.1, 30.0, 299.9, 300.0, 301.0, 599.0, 600.0, 4000.0]))


def steps(facts: st.SearchStrategy[Facts]) -> st.SearchStrategy[list[Step]]:
    step = st.builds(Step, PAUSES, st.integers(0, 60), st.sampled_from([0, 0, 0, 5, 40]), st.integers(0, 3), facts)
    quiet = st.builds(Step, PAUSES, facts=facts)
    return st.lists(st.one_of(step, quiet), min_size=1, max_size=40)


def run(spec: Autoscaling, script: list[Step], replicas: int = 0) -> list[Moment]:
    """Each step told when it comes, and looked at again whenever a decision asks for it before the next one comes."""
    now, requests, moments = 1000.0, 0, []
    state, load, want = begin(replicas, now), ModelLoad(), 0

    def look(facts: Facts) -> Decision:
        nonlocal state
        before = state.desired
        decision = decide(spec, load, state, facts, now)
        state = decision.state
        moments.append(Moment(now, want, facts, before, decision))
        return decision

    facts = READY
    for step in [*script, Step(2 * START_SECONDS)]:
        until = now + step.after
        looks = 0
        while moments and (wait := moments[-1].decision.look_again) is not None and now + wait < until:
            assert wait > 0
            now += wait
            look(facts)
            looks += 1
            assert looks < 40, "it is looked at without end"
        now, facts = until, step.facts
        requests += step.requests
        load = ModelLoad(step.in_flight, step.queued, requests)
        want = -(-(step.in_flight + step.queued) // spec.target_in_flight)
        look(facts)
    return moments


@given(SPECS, steps(FACTS), st.integers(0, 12))
def test_always_within_bounds(spec: Autoscaling, script: list[Step], replicas: int) -> None:
    for moment in run(spec, script, replicas):
        assert spec.min_replicas <= moment.desired <= spec.max_replicas
        assert moment.decision.reason
        assert moment.decision.state.desired == moment.desired
        assert len(moment.decision.state.wants) <= 70  # as many as there are different numbers of replicas


@given(SPECS, steps(st.just(READY)), st.integers(0, 12))
def test_never_fewer_than_are_wanted_now(spec: Autoscaling, script: list[Step], replicas: int) -> None:
    for moment in run(spec, script, replicas):
        assert moment.desired >= min(moment.want, spec.max_replicas)


@given(SPECS, steps(FACTS), st.integers(0, 12))
def test_never_lowered_on_ignorance(spec: Autoscaling, script: list[Step], replicas: int) -> None:
    for moment in run(spec, script, replicas):
        if not moment.facts.complete:
            assert moment.desired >= min(moment.before, spec.max_replicas)


@given(SPECS, steps(FACTS), st.integers(0, 12))
def test_never_raised_while_there_is_no_room(spec: Autoscaling, script: list[Step], replicas: int) -> None:
    for moment in run(spec, script, replicas):
        if moment.facts.unschedulable and moment.before:
            assert moment.desired <= max(moment.before, spec.min_replicas)


@given(SPECS, steps(st.just(READY)))
def test_nothing_goes_that_was_needed_within_the_window(spec: Autoscaling, script: list[Step]) -> None:
    """So between two bursts that are less than the window apart no replica is stopped and started again."""
    moments = run(spec, script)
    for before, now in pairwise(moments):
        if now.desired < before.desired and now.desired > spec.min_replicas:
            recent = [each.want for each in moments if now.now - STABILISATION_SECONDS < each.now <= now.now]
            # What was told before the window was still so at its beginning, unless something else had been told.
            assert now.desired >= min(max(recent), spec.max_replicas)


@given(SPECS, steps(st.just(READY)))
def test_a_replica_that_went_stays_away_or_comes_for_good(spec: Autoscaling, script: list[Step]) -> None:
    """Two decisions to go below the same number are at least a window apart."""
    moments = run(spec, script)
    for level in range(1, spec.max_replicas + 1):
        gone = [now.now for was, now in pairwise(moments) if was.desired >= level > now.desired]
        assert all(later - earlier >= STABILISATION_SECONDS - 0.1 for earlier, later in pairwise(gone))


@given(SPECS, steps(FACTS), st.integers(0, 12))
def test_quiet_for_long_is_the_least(spec: Autoscaling, script: list[Step], replicas: int) -> None:
    """The time that a decision asks to be looked at again is enough to get there: nobody has to look by chance."""
    last = run(spec, [*script, Step(1.0)], replicas)[-1]
    assert last.desired == spec.min_replicas
    assert last.decision.look_again is None


@given(SPECS, st.lists(st.tuples(st.integers(1, 700), st.integers(0, 60)), min_size=1, max_size=30))
def test_looks_in_between_change_nothing(spec: Autoscaling, told: list[tuple[int, int]]) -> None:
    """How often is looked is nobody's business: the same load makes the same number at the same time."""
    seldom = [Step(after, in_flight) for after, in_flight in told]
    loads = [0, *(in_flight for _, in_flight in told)]
    often = [
        part
        for (after, in_flight), before in zip(told, loads, strict=False)
        for part in (Step(after / 2, before), Step(after / 2, in_flight))
    ]
    numbers = {moment.now: moment.desired for moment in run(spec, seldom)}
    denser = {moment.now: moment.desired for moment in run(spec, often)}
    assert {now: denser[now] for now in numbers} == numbers


@given(SPECS, st.integers(1, 5), st.integers(0, 2))
def test_any_request_wakes_what_sleeps(spec: Autoscaling, requests: int, unschedulable: int) -> None:
    facts = Facts(0, unschedulable)
    last = run(spec, [Step(0.0), Step(5000.0), Step(1.0, requests=requests, facts=facts)])[2:]
    woken = next(moment for moment in last if moment.decision.state.requests == requests)
    assert woken.desired >= 1

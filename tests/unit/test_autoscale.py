"""How many replicas are decided in which situation, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auriga_api.load import ModelLoad
from auriga_api.model import Autoscaling
from auriga_operator.autoscale import START_SECONDS, UNKNOWN_SECONDS, Decision, Facts, State, begin, decide

SPEC = Autoscaling(min_replicas=0, max_replicas=8, target_in_flight=4, idle_timeout="10m")
WINDOW, IDLE = 300.0, 600.0
UP = Facts(ready=1)


class Model:
    """A Model whose load is told now and then."""

    def __init__(self, replicas: int = 0, spec: Autoscaling = SPEC, **carried: str) -> None:
        self.spec = spec
        self.now = 1000.0
        self.state: State = begin(replicas, self.now, **carried)  # type: ignore[arg-type]  # only the reason is carried
        self.facts = Facts(ready=replicas)
        self.load = ModelLoad()

    def told(self, in_flight: int = 0, queued: int = 0, *, requests: int | None = None, **other: float) -> Decision:
        before = self.load.requests
        self.load = ModelLoad(in_flight, queued, before if requests is None else requests, idle=other.get("idle"))
        return self.look()

    def look(self, after: float = 0.0, **facts: bool | int) -> Decision:
        self.now += after
        if self.load.idle is not None:
            self.load = replace(self.load, idle=self.load.idle + after)
        self.facts = replace(self.facts, **facts)  # type: ignore[arg-type]
        decision = decide(self.spec, self.load, self.state, self.facts, self.now)
        self.state = decision.state
        return decision


@pytest.mark.parametrize(
    ("in_flight", "queued", "desired"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (4, 0, 1), (4, 1, 2), (0, 5, 2), (29, 0, 8), (32, 0, 8), (400, 9, 8)],
)
def test_the_load_over_what_each_replica_takes(in_flight: int, queued: int, desired: int) -> None:
    assert Model().told(in_flight, queued).desired == desired


def test_everything_at_once_on_the_way_up() -> None:
    decision = Model().told(queued=32)
    assert decision.desired == 8
    assert decision.reason == "0 in flight and 32 queued, with 4 for each replica"
    assert decision.state.scaled == 1000.0


def test_down_to_what_was_needed_at_most_within_the_window() -> None:
    model = Model()
    model.told(32)
    model.look(1000)
    assert model.told(12).desired == 8
    model.now += 100
    decision = model.told(5)
    assert decision.look_again == WINDOW - 100  # when the 8 leave the window
    assert model.look(199).desired == 8
    assert model.look(1).desired == 3  # which the 12 in flight took
    assert model.state.reason == "at most 3 were wanted within 5m0s"
    assert model.look(100).desired == 2
    assert model.look(10_000).look_again is None  # nothing left for time to change while it is busy


def test_to_zero_after_idle_timeout_and_not_before() -> None:
    model = Model()
    model.told(12, requests=12)
    model.look(5, ready=3)
    decision = model.told(0)
    assert (decision.desired, decision.look_again) == (3, WINDOW)
    decision = model.look(WINDOW)
    assert (decision.desired, decision.look_again) == (1, IDLE - WINDOW)
    assert decision.reason == "asked within the last 10m"
    assert model.look(IDLE - WINDOW - 1).desired == 1
    decision = model.look(1)
    assert (decision.desired, decision.reason, decision.look_again) == (0, "no request for 10m", None)


def test_a_short_idle_timeout_shortens_the_window() -> None:
    model = Model(spec=Autoscaling(max_replicas=8, target_in_flight=4, idle_timeout="10s"))
    model.told(32)
    model.look(1, ready=8)
    model.told(0)
    assert model.look(9).desired == 8
    assert model.look(1).desired == 0


def test_idle_goes_to_min_replicas() -> None:
    model = Model(replicas=2, spec=Autoscaling(min_replicas=2, max_replicas=8, idle_timeout="10m"))
    assert model.look().reason == "minReplicas is 2"
    assert model.told(32).desired == 8
    model.told(0)
    assert model.look(IDLE).desired == 2


def test_a_request_that_went_elsewhere_wakes_it() -> None:
    model = Model()
    assert model.told(requests=7).desired == 0  # what was before counts for nothing
    assert model.told(requests=8).desired == 1
    assert model.state.reason == "asked within the last 10m"
    assert model.look(IDLE - 1).desired == 1


def test_a_request_too_short_to_be_seen_keeps_it_up() -> None:
    model = Model(replicas=1)
    model.told(requests=1)
    model.look(IDLE - 1)
    assert model.told(requests=2).desired == 1
    assert model.look(IDLE - 1).desired == 1
    assert model.look(1).desired == 0


def test_what_takes_long_to_start_is_not_given_up_before_it_is_there() -> None:
    model = Model()
    model.look()
    model.told(requests=1)
    assert model.look(START_SECONDS - 1).desired == 1
    assert model.look(1, ready=1).desired == 1  # it is there: now somebody may ask it
    assert model.look(IDLE).desired == 0


def test_what_never_starts_is_given_up_at_last() -> None:
    model = Model()
    model.look()
    model.told(requests=1)
    assert model.look(START_SECONDS).desired == 0


def test_nothing_is_lowered_while_a_router_does_not_tell() -> None:
    model = Model(replicas=5)
    decision = model.look(complete=False)
    assert (decision.desired, decision.look_again) == (5, UNKNOWN_SECONDS)
    assert model.look(10_000).desired == 5
    assert model.state.reason == "not all routers tell their load: nothing is lowered until they do"
    assert model.look(complete=True, after=WINDOW - 1).desired == 5  # what it did not see may have been needed
    model.now += WINDOW
    assert model.told(3).desired == 1


def test_nor_is_an_idle_one() -> None:
    model = Model(replicas=1)
    model.told(requests=3)
    assert model.look(10.0, complete=False).desired == 1
    assert model.look(IDLE).desired == 1
    assert model.look(complete=True).desired == 0


def test_what_is_known_may_raise_although_it_is_not_all() -> None:
    model = Model(replicas=1)
    model.facts = Facts(complete=False)
    assert model.told(queued=12).desired == 3
    assert model.told().desired == 3


def test_no_load_at_all_is_ignorance() -> None:
    state = begin(3, 0.0)
    assert decide(SPEC, None, state, UP, 10_000.0).desired == 3


def test_ignorance_does_not_break_the_bounds() -> None:
    bounds = Autoscaling(min_replicas=1, max_replicas=2)
    assert decide(bounds, None, begin(5, 0.0), UP, 1.0).desired == 2
    assert decide(bounds, None, begin(0, 0.0), UP, 1.0).desired == 1


def test_who_takes_over_keeps_what_is_there_for_the_window() -> None:
    model = Model(replicas=8)
    assert model.told(4, requests=100).desired == 8
    assert model.look(WINDOW - 1).desired == 8
    assert model.look(1).desired == 1


def test_who_takes_over_wakes_whom_was_asked_meanwhile_and_knows_since_when_others_are_idle() -> None:
    assert Model(replicas=0).told(requests=3, idle=5.0).desired == 1
    assert Model(replicas=0).told(requests=3, idle=IDLE).desired == 0
    model = Model(replicas=1)
    assert model.told(requests=3, idle=IDLE - 100).desired == 1
    assert model.look(100).desired == 0


def test_who_takes_over_an_idle_model_waits_for_all_routers() -> None:
    model = Model(replicas=1)
    model.facts = Facts(ready=1, complete=False)
    assert model.told(requests=3, idle=IDLE * 2).desired == 1
    model.facts = UP
    assert model.told(requests=9, idle=1.0).desired == 1
    assert model.look(IDLE - 2).desired == 1


def test_no_more_pods_while_there_is_no_room_for_those_there_are() -> None:
    model = Model(replicas=2)
    model.facts = Facts(ready=1, unschedulable=1)
    decision = model.told(8, 12)
    assert decision.desired == 2
    assert decision.reason == "5 replicas are wanted, but there is no room yet for 1 of 2"
    assert model.look(unschedulable=0, ready=2).desired == 5


def test_from_zero_it_is_tried_though_something_had_no_room() -> None:
    model = Model()
    model.look(unschedulable=1, ready=0)
    assert model.told(requests=1).desired == 1
    assert model.state.reason == "asked within the last 10m"


def test_what_has_no_room_may_still_go() -> None:
    model = Model(replicas=4)
    model.facts = Facts(ready=2, unschedulable=2)
    model.told(0)
    assert model.look(WINDOW).desired == 1


def test_the_reason_says_what_bounds_it() -> None:
    model = Model()
    assert model.told(40, 4).reason == "40 in flight and 4 queued, with 4 for each replica; maxReplicas is 8"


@pytest.mark.parametrize(
    ("replicas", "idle", "reason"),
    [
        (0, None, "nobody asks it"),
        (1, None, "not known to be idle for 10m"),
        (1, 20.0, "asked within the last 10m"),
    ],
)
def test_nobody_is_said_to_have_asked_who_is_not_known_to(replicas: int, idle: float | None, reason: str) -> None:
    model = Model(replicas)
    model.load = ModelLoad(idle=idle)
    assert model.look().reason == reason


def test_the_reason_stays_while_the_number_does() -> None:
    model = Model()
    first = model.told(30).reason
    assert {model.told(load).reason for load in (29, 31, 32, 29)} == {first}
    at_max = model.told(33).reason
    assert at_max.endswith("maxReplicas is 8")
    assert {model.told(load).reason for load in (30, 50, 2, 90)} == {at_max}


def test_who_takes_over_says_what_was_said_before() -> None:
    model = Model(replicas=8, reason="29 in flight and 0 queued, with 4 for each replica")
    assert model.told(30).reason == "29 in flight and 0 queued, with 4 for each replica"
    assert model.look(complete=False).reason == "29 in flight and 0 queued, with 4 for each replica"


def test_an_edit_of_the_bounds_counts_at_once() -> None:
    model = Model()
    model.told(32)
    model.spec = Autoscaling(max_replicas=3, target_in_flight=4)
    assert model.look().desired == 3
    model.spec = Autoscaling(min_replicas=5, max_replicas=6, target_in_flight=40)
    assert model.look().desired == 6  # 8 were wanted a moment ago
    assert model.look(WINDOW).desired == 5

"""Models with ``autoscaling`` on one machine, look after look: who comes, who goes, and what is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from auriga_api.load import EndpointLoad, ModelLoad
from auriga_api.model import Artifact, Autoscaling
from auriga_cli.local.demand import Demand
from auriga_cli.local.sharing import Sharing, share
from auriga_cli.local.state import Blocked, Failure, Fetch, Limits, Memory, Process, Wanted, WeightsRequest, World
from auriga_cli.local.turns import Wait
from auriga_operator.weights.memory import RESERVE

MIB = 1 << 20
NEED = 164 * MIB
"""Of one Model, with the program around its weights."""
LIMITS = Limits()
SCALING = Autoscaling(idle_timeout="60s")
HERE = Fetch("w", "Done", path="/m.gguf", artifact=Artifact(size_bytes=100 * MIB))


def wanted(name: str, autoscaling: Autoscaling | None = SCALING, *, on_gpu: bool = False) -> Wanted:
    request = WeightsRequest("w", {}, "/", 512, 1)
    replicas = 0 if autoscaling else 1
    return Wanted(f"default/{name}", name, replicas, request, "r1", on_gpu=on_gpu, autoscaling=autoscaling)


def engine(name: str, state: str = "Healthy", since: float = 0.0, number: int = 1, gpu_memory: int = 0) -> Process:
    memory = 0 if gpu_memory else NEED
    changes = {"state": state, "memory": memory, "address": f"127.0.0.1:{number}", "gpu_memory": gpu_memory}
    usual = Process(number, f"default/{name}", 0, "r1", "Loading", since, since)
    return replace(usual, **changes)  # type: ignore[arg-type]


def load(requests: int = 0, queued: int = 0, in_flight: int = 0) -> ModelLoad:
    endpoints = {"127.0.0.1:1": EndpointLoad(in_flight)} if in_flight else {}
    return ModelLoad(in_flight, queued, requests, endpoints=endpoints)


class Looks:
    """One look after the other at a machine with room for one Model, and little more."""

    def __init__(self, *models: Wanted, gpu_memory: int | None = None) -> None:
        memory = Memory(NEED + NEED // 2, NEED + NEED // 2)
        self.world = World({each.model: each for each in models}, {"w": HERE}, memory=memory, gpu_memory=gpu_memory)
        self.demands: Mapping[str, Demand] = {}

    def look(self, now: float, *processes: Process, failure: Failure | None = None, **loads: ModelLoad) -> Sharing:
        failures = {("default/a", 0, "r1"): failure} if failure else {}
        world = replace(self.world, processes=processes, failures=failures)
        sharing = share(world, {f"default/{name}": each for name, each in loads.items()}, self.demands, now, LIMITS)
        self.demands = sharing.demands
        return sharing


def replicas(sharing: Sharing) -> dict[str, int]:
    return {wanted.name: wanted.replicas for wanted in sharing.wanted.values()}


def test_without_autoscaling_nothing_is_shared() -> None:
    sharing = Looks(wanted("a", None)).look(0)
    assert sharing == Sharing(sharing.wanted)
    assert replicas(sharing) == {"a": 1}


def test_asked_it_comes_and_after_its_idle_timeout_it_goes() -> None:
    looks = Looks(wanted("a"))
    assert replicas(looks.look(0)) == {"a": 0}
    assert replicas(looks.look(10, a=load(1, queued=1))) == {"a": 1}
    assert replicas(looks.look(11, engine("a", "Loading", since=10), a=load(1, queued=1))) == {"a": 1}
    serves = engine("a", since=14)
    assert replicas(looks.look(14, serves, a=load(2, in_flight=1))) == {"a": 1}
    rests = looks.look(20, serves, a=load(2))
    assert replicas(rests) == {"a": 1}
    assert rests.wake_at == pytest.approx(80)
    assert replicas(looks.look(79, serves, a=load(2))) == {"a": 1}
    assert replicas(looks.look(81, serves, a=load(2))) == {"a": 0}


def test_what_loading_took_is_remembered() -> None:
    looks = Looks(wanted("a"))
    looks.look(10, a=load(1, queued=3))
    looks.look(11, engine("a", "Loading", since=10), a=load(1, queued=3))
    looks.look(14, engine("a", since=14), a=load(1, queued=3))
    looks.look(15, engine("a", since=14), a=load(3, queued=1, in_flight=2))
    claim = looks.demands["default/a"].claim
    assert (claim.load_time, claim.group, claim.served) == (4, 3, 2)


def test_who_made_room_comes_back_only_when_it_is_asked_anew() -> None:
    looks = Looks(wanted("a"), wanted("b"))
    serves = engine("a", since=0)
    looks.look(1, serves, a=load(1))
    made = looks.look(30, serves, a=load(1), b=load(1, queued=1))
    assert replicas(made) == {"a": 0, "b": 0}
    assert made.waits == {"default/b": Wait("Leaving", ("default/a",))}
    leaves = replace(serves, state="Stopping")
    assert replicas(looks.look(31, leaves, a=load(1), b=load(1, queued=1))) == {"a": 0, "b": 0}
    assert replicas(looks.look(32, a=load(1), b=load(1, queued=1))) == {"a": 0, "b": 1}
    other = engine("b", since=33, number=2)
    quiet = looks.look(50, other, a=load(1), b=load(2))
    assert replicas(quiet) == {"a": 0, "b": 1}
    assert quiet.waits == {}
    assert replicas(looks.look(51, other, a=load(2, queued=1), b=load(2))) == {"a": 0, "b": 0}


def test_who_failed_is_tried_again_only_when_it_is_asked_after_a_while() -> None:
    looks = Looks(wanted("a"))
    looks.look(0, a=load(1, queued=1))
    looks.look(1, engine("a", "Loading"), a=load(1, queued=1))
    failed = Failure(1, at=2.0)
    assert replicas(looks.look(2, failure=failed, a=load(1, queued=1))) == {"a": 0}
    assert replicas(looks.look(2.1, failure=failed, a=load(1))) == {"a": 0}
    assert replicas(looks.look(60, failure=failed, a=load(1))) == {"a": 0}, "nobody has asked it since"
    assert replicas(looks.look(61, failure=failed, a=load(2, queued=1))) == {"a": 1}


def test_least_replicas_come_unasked_and_stay() -> None:
    looks = Looks(wanted("a", Autoscaling(min_replicas=1, max_replicas=2)), wanted("b"))
    assert replicas(looks.look(0)) == {"a": 1, "b": 0}
    serves = engine("a")
    full = looks.look(9000, serves, b=load(1, queued=1))
    assert replicas(full) == {"a": 1, "b": 0}
    assert full.waits["default/b"].why == "Turn" or full.waits["default/b"].why == "Line"


def test_what_is_always_here_is_not_given_away() -> None:
    """It does not run yet, but its memory is not free."""
    looks = Looks(wanted("always", None), wanted("a"))
    full = looks.look(0, a=load(1, queued=1))
    assert replicas(full) == {"always": 1, "a": 0}
    assert full.shortages["default/a"].need == NEED
    assert full.shortages["default/a"].room == NEED // 2


def test_for_who_is_always_wanted_and_never_fits_nothing_is_kept() -> None:
    """It is told so, and those that fit are not told that they do not."""
    looks = Looks(wanted("always", None), wanted("a"))
    large = replace(wanted("always", None), request=replace(wanted("a").request, id="large"))
    looks.world = replace(
        looks.world,
        wanted=looks.world.wanted | {"default/always": large},
        fetches={"w": HERE, "large": replace(HERE, id="large", artifact=Artifact(size_bytes=9000 * MIB))},
    )
    assert replicas(looks.look(0, a=load(1, queued=1))) == {"always": 1, "a": 1}
    assert looks.look(1, engine("a"), a=load(1, in_flight=1)).waits == {}


def test_who_was_too_large_comes_unasked_when_there_is_room() -> None:
    """For an hour after it was asked: those who asked were told to ask again."""
    looks = Looks(wanted("a", Autoscaling(idle_timeout="1h")), wanted("fixed", None))
    taken = engine("fixed", number=7)
    refused = looks.look(0, taken, a=load(1, queued=1))
    assert refused.waits == {"default/a": Wait("TooLarge")}
    assert refused.shortages["default/a"].need == NEED
    for now in (1.0, 600.0):
        assert looks.look(now, taken, a=load(1)).waits == {"default/a": Wait("TooLarge")}
    looks.world = replace(looks.world, wanted={"default/a": looks.world.wanted["default/a"]})
    assert replicas(looks.look(601, a=load(1))) == {"a": 1}


@pytest.mark.parametrize(
    "unready",
    [
        pytest.param({"fetches": {}}, id="no weights yet"),
        pytest.param({"wanted": {"default/a": replace(wanted("a"), blocked=Blocked("NoEngine", ""))}}, id="blocked"),
    ],
)
def test_who_cannot_start_asks_for_nothing(unready: dict[str, object]) -> None:
    looks = Looks(wanted("a"))
    looks.world = replace(looks.world, **unready)  # type: ignore[arg-type]
    sharing = looks.look(0, a=load(1, queued=1))
    assert replicas(sharing) == {"a": 0}
    assert sharing.waits == {}


ON_GPU = 100 * MIB + RESERVE


@pytest.mark.parametrize(
    ("gpu_memory", "both"),
    [
        pytest.param(None, 0, id="unknown: one at a time"),
        pytest.param(2 * ON_GPU - 1, 0, id="room for one"),
        pytest.param(2 * ON_GPU, 1, id="room for both"),
    ],
)
def test_on_a_gpu(gpu_memory: int | None, both: int) -> None:
    looks = Looks(wanted("a", on_gpu=True), wanted("b", on_gpu=True), gpu_memory=gpu_memory)
    serves = engine("a", gpu_memory=ON_GPU)
    busy = {"a": load(5, in_flight=1), "b": load(1, queued=1)}
    looks.look(0.5, serves, **busy)
    assert replicas(looks.look(0.6, serves, **busy)) == {"a": 1, "b": both}
    assert replicas(looks.look(100, serves, **busy)) == {"a": both, "b": both}


def test_too_large_for_the_gpu() -> None:
    looks = Looks(wanted("a", on_gpu=True), gpu_memory=ON_GPU - 1)
    shortage = looks.look(0, a=load(1, queued=1)).shortages["default/a"]
    assert (shortage.need, shortage.total) == (ON_GPU, ON_GPU - 1)


def test_who_was_too_large_is_in_nobodys_way_for_the_hour_in_which_it_is_wanted() -> None:
    big = replace(wanted("big"), request=replace(wanted("big").request, id="large"))
    looks = Looks(wanted("a", Autoscaling(max_replicas=3, target_in_flight=1)), big)
    large = replace(HERE, id="large", artifact=Artifact(size_bytes=9000 * MIB))
    looks.world = replace(looks.world, fetches={"w": HERE, "large": large}, memory=Memory(3 * NEED, 3 * NEED))
    busy = load(5, queued=3, in_flight=1)
    assert looks.look(0, engine("a"), a=busy, big=load(1, queued=1)).waits == {"default/big": Wait("TooLarge")}
    assert replicas(looks.look(1, engine("a"), a=busy, big=load(1))) == {"a": 3, "big": 0}


def test_more_replicas_for_more_requests_where_there_is_room_and_nobody_waits() -> None:
    looks = Looks(wanted("a", Autoscaling(max_replicas=2, target_in_flight=1)), wanted("b"))
    looks.world = replace(looks.world, memory=Memory(2 * NEED, 2 * NEED))
    serves = engine("a")
    busy = load(5, queued=3, in_flight=1)
    assert replicas(looks.look(1, serves, a=busy)) == {"a": 2, "b": 0}
    both = (serves, replace(engine("a", number=2), replica=1))
    assert replicas(looks.look(2, *both, a=busy)) == {"a": 2, "b": 0}
    assert replicas(looks.look(3, *both, a=busy, b=load(1, queued=1))) == {"a": 1, "b": 0}

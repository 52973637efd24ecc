"""Models whose replicas follow the load that scripted routers tell, against a real API server."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auriga_api.load import EndpointLoad, ModelLoad
from support.controlplane import ControlPlane
from support.kubelet import Kubelet
from support.load_routers import TOKEN, LoadRouter, own_address
from support.operators import Namespace, Object, Operator, claim, condition, volume_model

SERVICE = "auriga-router"
BOUNDS = {"minReplicas": 0, "maxReplicas": 8, "targetInFlight": 4, "idleTimeout": "1h"}


class Place:
    """A namespace with routers and operators."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.objects = Namespace(plane, plane.create_namespace("scales"))
        self.objects.apply(claim())
        self.plane = plane
        self.folder = folder
        self.stack = ExitStack()
        (folder / "token").write_text(TOKEN)

    def router(self, name: str) -> LoadRouter:
        return self.stack.enter_context(LoadRouter(name, own_address()))

    def listed(self, *routers: LoadRouter, ready: bool = True) -> None:
        """The EndpointSlices of the routers' Service, one for each: their ports differ."""
        for router in routers:
            endpoint = {"addresses": [router.host], "conditions": {"ready": ready}}
            name = f"{SERVICE}-{router.name}"
            metadata = {"name": name, "labels": {"kubernetes.io/service-name": SERVICE}}
            self.objects.apply({
                "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4", "endpoints": [endpoint],
                "ports": [{"name": "http", "port": router.port, "protocol": "TCP"}],
            })  # fmt: skip

    def unlisted(self, router: LoadRouter) -> None:
        self.objects.delete("EndpointSlice", f"{SERVICE}-{router.name}")

    def operator(self) -> Operator:
        arguments = ["--router-service", f"{self.objects.name}/{SERVICE}", "--lease-seconds", "2"]
        arguments += ["--load-token-file", str(self.folder / "token")]
        log = self.folder / f"operator-{secrets.token_hex(4)}"
        return self.stack.enter_context(Operator(self.plane, self.objects.name, log, *arguments))

    def tell(self, router: LoadRouter, model: str, *load: int, **more: Any) -> None:
        router.tell_all({f"{self.objects.name}/{model}": ModelLoad(*load, **more)})

    def replicas(self, model: str, count: int, seconds: float = 20) -> Object:
        """Its Deployment once it has so many."""

        def holds(found: dict[str, Object]) -> bool:
            return (found.get(f"model-{model}") or {}).get("spec", {}).get("replicas") == count

        return self.objects.until("Deployment", holds, seconds)[f"model-{model}"]

    def scaled(self, model: str, count: int) -> Object:
        """Its status once that says so."""
        return self.objects.model(model, lambda status: (status.get("autoscaling") or {}).get("desired") == count)

    def told(self, model: str, *steps: str) -> None:
        """Wait until those are all the steps that Events tell, in this order."""

        def said(found: dict[str, Object]) -> list[str]:
            about = [each for each in found.values() if each["involvedObject"]["name"] == model]
            about.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
            return [each["message"].partition(" replicas:")[0] for each in about if each["reason"] == "Scaled"]

        self.objects.until("Event", lambda found: said(found) == list(steps))


@pytest.fixture
def place(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Place]:
    made = Place(control_plane, tmp_path)
    with made.stack:
        yield made


@pytest.fixture
def router(place: Place) -> LoadRouter:
    """One router, which the operator's Service lists."""
    made = place.router("a")
    place.listed(made)
    return made


def up(place: Place, name: str, replicas: int, **bounds: Any) -> list[Object]:
    """The pods of a Model with so many replicas, all serving."""
    kubelet = Kubelet(place.objects)
    place.replicas(name, replicas)
    pods = []
    for number in range(replicas):
        pods.append(pod := kubelet.serve(name))
        address = {"podIP": f"10.9.0.{number + 1}", "podIPs": [{"ip": f"10.9.0.{number + 1}"}]}
        place.objects.patch("Pod", pod["metadata"]["name"], {"status": address}, "status")
    return pods


def test_from_zero_to_eight_within_a_second_of_the_first_word(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m", autoscaling=BOUNDS))
    status = place.objects.ready("m", "ScaledToZero")
    assert (status["phase"], status["autoscaling"]) == ("ScaledToZero", {"desired": 0, "reason": "nobody asks it"})
    place.replicas("m", 0)
    router.followed()
    begun = time.monotonic()
    place.tell(router, "m", 0, 32, 32)
    place.replicas("m", 8)
    took = time.monotonic() - begun
    print(f"0 -> 8 replicas {took * 1000:.0f} ms after the router said so")
    status = place.scaled("m", 8)
    assert status["autoscaling"]["reason"] == "0 in flight and 32 queued, with 4 for each replica"
    assert status["autoscaling"]["lastScaleTime"]
    place.told("m", "0 -> 8")


def test_a_load_that_changes_all_the_time_writes_nothing(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m", autoscaling=BOUNDS))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 9, 0, 9)
    place.scaled("m", 3)
    place.objects.model("m", lambda status: status["replicas"] == 3)
    before = len(list(place.plane.audit()))
    for number in range(200):
        place.tell(router, "m", 9 + number % 4, 0, 10 + number)
    place.tell(router, "m", 13, 0, 999)
    place.scaled("m", 4)
    writes = place.objects.writes(before)
    assert [text for text in writes if "deployments" in text] == ["patch deployments model-m"]
    assert len(writes) <= 4  # the Event, and the status of the decision and of the pod that it makes


def test_down_when_the_window_is_over_and_to_zero_when_nobody_asks(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m", autoscaling={**BOUNDS, "idleTimeout": "3s"}))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 8, 0, 8)
    up(place, "m", 2)
    place.objects.ready("m", "Serving")
    fell = time.monotonic()
    place.tell(router, "m", 4, 0, 8)
    place.replicas("m", 1)
    assert time.monotonic() - fell > 2.5
    fell = time.monotonic()
    place.tell(router, "m", 0, 0, 8)
    status = place.objects.ready("m", "ScaledToZero")
    assert time.monotonic() - fell > 2.5
    assert status["autoscaling"]["reason"] == "no request for 3s"
    place.tell(router, "m", 0, 0, 9)  # it was answered by somebody else
    place.replicas("m", 1)


def test_the_pod_that_goes_has_least_to_do(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m", autoscaling={**BOUNDS, "idleTimeout": "2s"}))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 12, 0, 12)
    pods = up(place, "m", 3)
    place.objects.ready("m", "Serving")
    loads = {f"10.9.0.{n}:8080": EndpointLoad(busy, idle) for n, busy, idle in ((1, 4, 0.0), (2, 0, 9.0), (3, 4, 0.0))}
    place.tell(router, "m", 8, 0, 12, endpoints=loads)
    gone = pods[1]["metadata"]["name"]
    left = place.objects.until("Pod", lambda found: gone not in found or "deletionTimestamp" in found[gone]["metadata"])
    staying = [pod["metadata"]["name"] for pod in (pods[0], pods[2])]
    assert all("deletionTimestamp" not in left[name]["metadata"] for name in staying)


def test_two_routers_add_up_and_one_that_leaves_is_forgotten(place: Place, router: LoadRouter) -> None:
    other = place.router("b")
    place.listed(other)
    place.operator()
    place.objects.apply(volume_model("m", autoscaling={**BOUNDS, "idleTimeout": "3s"}))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    other.followed()
    place.tell(router, "m", 4, 0, 4)
    place.replicas("m", 1)
    place.tell(other, "m", 8, 0, 8)
    place.replicas("m", 3)
    place.unlisted(other)
    other.followed(0)
    place.replicas("m", 1)


def test_a_router_that_cannot_be_heard_keeps_what_there_is(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m", autoscaling={**BOUNDS, "idleTimeout": "1s"}))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 8, 0, 8)
    place.replicas("m", 2)
    mute = place.router("mute")
    mute.token = "another"
    place.listed(mute)
    mute.refuses(1)
    place.tell(router, "m", 0, 0, 8)
    mute.refuses(mute.refused + 2)  # which takes it longer than the window
    place.tell(router, "m", 16, 0, 16)  # what is known may still raise
    place.replicas("m", 4)
    mute.token = TOKEN
    place.tell(router, "m", 4, 0, 16)
    place.replicas("m", 1)
    place.told("m", "0 -> 2", "2 -> 4", "4 -> 1")


@pytest.mark.parametrize("end", [Operator.kill, Operator.stop], ids=["killed", "stopped"])
def test_a_new_leader_lowers_nothing_before_it_knows_the_load(
    place: Place, router: LoadRouter, end: Callable[[Operator], object]
) -> None:
    first = place.operator()
    place.objects.apply(volume_model("m", autoscaling={**BOUNDS, "idleTimeout": "2s"}))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 20, 0, 20)
    place.replicas("m", 5)
    router.token = "not yet"
    end(first)
    second = place.operator()
    router.refuses(3)
    deployment = place.objects.get("Deployment", "model-m")
    assert deployment
    assert deployment["spec"]["replicas"] == 5
    since = len(list(place.plane.audit()))
    router.token = TOKEN
    router.followed()
    place.tell(router, "m", 16, 0, 20)
    place.replicas("m", 4)
    assert "leading as" in second.log
    assert [text for text in place.objects.writes(since) if "deployments" in text] == ["patch deployments model-m"]


def test_a_scaler_from_outside_is_left_alone(place: Place, router: LoadRouter) -> None:
    place.operator()
    place.objects.apply(volume_model("m"))
    place.objects.ready("m", "Starting")
    router.followed()
    place.tell(router, "m", 40, 9, 40)
    place.plane.kubectl("scale", "model/m", "--replicas=3", f"--namespace={place.objects.name}")
    place.replicas("m", 3)
    place.plane.kubectl("scale", "model/m", "--replicas=0", f"--namespace={place.objects.name}")
    place.replicas("m", 0)
    status = place.objects.ready("m", "ScaledToZero")
    assert "autoscaling" not in status
    place.told("m")


def test_no_more_pods_where_there_is_no_room(place: Place, router: LoadRouter) -> None:
    place.operator()
    gpu = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
    place.objects.apply(volume_model("m", autoscaling=BOUNDS, **gpu))
    place.objects.ready("m", "ScaledToZero")
    router.followed()
    place.tell(router, "m", 0, 2, 2)
    place.replicas("m", 1)
    kubelet = Kubelet(place.objects)
    pod = kubelet.pod("m")
    kubelet.unschedulable(pod, "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
    place.objects.ready("m", "Unschedulable")
    place.tell(router, "m", 0, 9, 9)
    status = place.objects.model("m", lambda status: "no room" in status["autoscaling"]["reason"])
    assert status["autoscaling"]["desired"] == 1
    assert status["autoscaling"]["reason"] == "3 replicas are wanted, but there is no room yet for 1 of 1"
    assert "nvidia.com/gpu" in condition(status, "Ready")["message"]
    kubelet.place(pod)
    kubelet.running(pod)
    place.replicas("m", 3)

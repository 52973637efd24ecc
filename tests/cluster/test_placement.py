"""Models compete for devices: Kubernetes' own scheduler places their pods on nodes that kwok plays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auriga_api.load import EndpointLoad, ModelLoad
from auriga_operator.settings import Settings
from support.controlplane import ControlPlane
from support.kube.kwok import KWOK
from support.kube.program import ProgramMissingError
from support.kube.provide import BinariesMissingError
from support.load_routers import TOKEN, LoadRouter, own_address
from support.operators import Namespace, Object, Operator, claim, condition, volume_model
from support.simulated_nodes import SimulatedNodes

CRDS = Path(__file__).parents[2] / "crds"
SERVICE = "auriga-router"
BOUNDS = {"minReplicas": 1, "maxReplicas": 8, "targetInFlight": 1, "idleTimeout": "3s"}
SECONDS = 60  # the scheduler may wait 10 s before it looks at a pod again


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedNodes]:
    """A cluster of their own: in the other tests' no pod is ever placed."""
    try:
        plane = ControlPlane(tmp_path_factory.mktemp("plane"), crds=sorted(CRDS.glob("*.yaml")), scheduler=True)
        program = KWOK.find()
    except (BinariesMissingError, ProgramMissingError) as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
    with plane, SimulatedNodes(plane, program) as nodes:
        yield nodes


@pytest.fixture
def place(nodes: SimulatedNodes, tmp_path: Path) -> Iterator[Place]:
    made = Place(nodes, tmp_path)
    with made.stack:
        yield made


class Place:
    """A namespace with an operator and a router that tells what the test says."""

    def __init__(self, nodes: SimulatedNodes, folder: Path) -> None:
        self.nodes = nodes
        self.plane = nodes.plane
        self.objects = Namespace(self.plane, self.plane.create_namespace("placement"))
        self.stack = ExitStack()
        self.stack.callback(self._clear)
        self._bind_claim()
        self.router = self.stack.enter_context(LoadRouter("router", own_address()))
        self._list_router()
        token = folder / "token"
        token.write_text(TOKEN)
        arguments = ["--router-service", f"{self.objects.name}/{SERVICE}", "--load-token-file", str(token)]
        self.stack.enter_context(Operator(self.plane, self.objects.name, folder / "operator", *arguments))
        self.router.followed(seconds=SECONDS)

    def tell(self, model: str, in_flight: int, queued: int = 0, **busy: int) -> None:
        """That is its load now; ``busy``: how much of it is at each pod, by its address."""
        endpoints = {f"{ip}:8080": EndpointLoad(count, 0.0 if count else 30.0) for ip, count in busy.items()}
        load = ModelLoad(in_flight, queued, in_flight + queued, endpoints=endpoints)
        self.router.tell_all({f"{self.objects.name}/{model}": load})

    def pods(self, holds: Callable[[dict[str, Object]], bool]) -> dict[str, Object]:
        return self.objects.until("Pod", holds, SECONDS)

    def serving(self, model: str, count: int) -> dict[str, Object]:
        """Its pods once so many serve, and no other pod of it waits or goes."""
        found = self.pods(lambda pods: len(serving(pods, model)) == len(of(pods, model)) == count)
        return serving(found, model)

    def _bind_claim(self) -> None:
        metadata = {"name": f"weights-{self.objects.name}"}
        bound = {"namespace": self.objects.name, "name": "weights"}
        spec = {**claim()["spec"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/weights"}, "claimRef": bound}
        del spec["resources"]
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}
        self.plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(volume))
        self.objects.apply(claim())
        self.objects.until("PersistentVolumeClaim", lambda found: found["weights"]["status"]["phase"] == "Bound")

    def _list_router(self) -> None:
        metadata = {"name": SERVICE, "labels": {"kubernetes.io/service-name": SERVICE}}
        endpoints = [{"addresses": [self.router.host], "conditions": {"ready": True}}]
        ports = [{"name": "http", "port": self.router.port, "protocol": "TCP"}]
        slice_ = {"kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4"}
        self.objects.apply({**slice_, "endpoints": endpoints, "ports": ports})

    def _clear(self) -> None:
        """The next test has all nodes for itself."""
        self.objects.client.delete(self.objects.path("Model")).raise_for_status()
        self.pods(lambda found: not found)
        self.nodes.clear()


def model(name: str, **spec: Any) -> Object:
    """A Model whose replicas take one GPU each."""
    return volume_model(name, resources={"limits": {"nvidia.com/gpu": 1}}, **spec)


def of(pods: dict[str, Object], model: str) -> dict[str, Object]:
    return {name: pod for name, pod in pods.items() if pod["metadata"]["labels"].get("auriga.dev/model") == model}


def serving(pods: dict[str, Object], model: str) -> dict[str, Object]:
    """Those that answer: new requests do not go to one that is to go."""
    return {
        name: pod for name, pod in of(pods, model).items()
        if condition(pod["status"], "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]
    }  # fmt: skip


def changed(pods: dict[str, Object], model: str, count: int) -> bool:
    """Whether so many serve, all with the changed flag, and no other pod is left."""
    found = serving(pods, model).values()
    new = ["9" in pod["spec"]["containers"][0]["args"] for pod in found]
    return all(new) and len(new) == len(of(pods, model)) == count


def test_a_model_grows_into_the_devices_there_are_and_into_a_node_that_comes(place: Place) -> None:
    place.nodes.add("a", gpus=3)
    place.nodes.add("b", gpus=2)
    place.objects.apply(model("m", autoscaling=BOUNDS))
    place.serving("m", 1)
    place.tell("m", 1, 7)
    found = place.pods(lambda pods: len(serving(pods, "m")) == 5)
    assert len(of(found, "m")) <= 8
    status = place.objects.model("m", lambda status: status.get("readyReplicas") == 5)
    ready = condition(status, "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Unschedulable")
    assert "5 of 8 replicas serve; no node has 1 nvidia.com/gpu to spare" in ready["message"]
    place.nodes.add("c", gpus=4)
    busy = [pod["status"]["podIP"] for pod in place.serving("m", 8).values()][2:5]
    place.tell("m", 3, **dict.fromkeys(busy, 1))
    left = place.serving("m", 3)
    assert {pod["status"]["podIP"] for pod in left.values()} == set(busy)


def test_it_asks_for_no_more_while_one_waits_for_a_device(place: Place) -> None:
    place.nodes.add("a", gpus=2)
    place.objects.apply(model("m", autoscaling=BOUNDS))
    place.serving("m", 1)
    place.tell("m", 3)
    place.pods(lambda pods: len(serving(pods, "m")) == 2)
    place.objects.model("m", lambda status: condition(status, "Ready").get("reason") == "Unschedulable", SECONDS)
    place.tell("m", 3, 5)
    scaling = place.objects.model("m", lambda status: "no room" in status["autoscaling"]["reason"])["autoscaling"]
    assert scaling["reason"] == "8 replicas are wanted, but there is no room yet for 1 of 3"
    assert scaling["desired"] == len(of(place.pods(bool), "m")) == 3
    place.nodes.add("b", gpus=6)
    place.serving("m", 8)


def test_without_a_spare_device_a_change_goes_through_one_pod_after_the_other(place: Place) -> None:
    place.nodes.add("a", gpus=2)
    place.nodes.add("b", gpus=1)
    assert lowest_while_changed(place, replicas=3) == 2


def test_with_a_spare_device_a_change_takes_none_from_those_that_serve(place: Place) -> None:
    place.nodes.add("a", gpus=2)
    place.nodes.add("b", gpus=2)
    assert lowest_while_changed(place, replicas=3) == 3


def test_a_device_that_an_old_pod_is_about_to_give_up_is_waited_for(place: Place) -> None:
    place.nodes.add("a", gpus=3)
    longer_than_patience = f"{Settings().surge_patience + 2}s"
    drains = {"metadata": {"annotations": {"tests.auriga.dev/drains-for": longer_than_patience}}}
    assert lowest_while_changed(place, replicas=2, podTemplate=drains) == 2


def test_a_change_also_reaches_a_model_that_has_not_all_devices_that_it_wants(place: Place) -> None:
    place.nodes.add("a", gpus=3)
    place.objects.apply(model("m", replicas=6))
    place.pods(lambda pods: (len(serving(pods, "m")), len(of(pods, "m"))) == (3, 6))
    place.objects.apply(model("m", replicas=6, engine={"parallel": 9}))
    place.pods(lambda pods: changed(serving(pods, "m"), "m", 3))


def lowest_while_changed(place: Place, **spec: Any) -> int:
    """How few pods served while a flag of the engine was changed in all of them."""
    place.objects.apply(model("m", **spec))
    place.serving("m", spec["replicas"])
    served: list[int] = []

    def all_new(pods: dict[str, Object]) -> bool:
        if not served:  # every change of a pod from here on is seen
            place.objects.apply(model("m", **spec, engine={"parallel": 9}))
        served.append(len(serving(pods, "m")))
        return changed(pods, "m", spec["replicas"])

    place.pods(all_new)
    place.objects.ready("m", "Serving")
    return min(served)


def test_a_model_that_is_asked_takes_what_is_left_and_gives_it_back(place: Place) -> None:
    place.nodes.add("a", gpus=4)
    place.objects.apply(model("asked", autoscaling=BOUNDS))
    place.serving("asked", 1)
    place.tell("asked", 4)
    place.serving("asked", 4)
    place.objects.apply(model("late", autoscaling={**BOUNDS, "minReplicas": 2}))
    status = place.objects.ready("late", "Unschedulable")
    assert "no node has 1 nvidia.com/gpu to spare" in condition(status, "Ready")["message"]
    assert len(of(place.pods(bool), "late")) == 2
    assert len(serving(place.pods(bool), "asked")) == 4
    place.tell("asked", 0)
    place.serving("late", 2)
    place.serving("asked", 1)


def test_of_two_models_that_are_asked_for_everything_each_keeps_its_least(place: Place) -> None:
    place.nodes.add("a", gpus=3)
    place.nodes.add("b", gpus=2)
    names = ("one", "two")
    place.objects.apply(*(model(name, autoscaling={**BOUNDS, "minReplicas": 2}) for name in names))
    for name in names:
        place.serving(name, 2)
    least: list[int] = []

    def full(pods: dict[str, Object]) -> bool:
        if not least:
            for name in names:
                place.tell(name, 8)
        served = [len(serving(pods, name)) for name in names]
        least.append(min(served))
        return sum(served) == 5 and len(pods) == 16

    place.pods(full)
    assert min(least) == 2


def test_a_priority_class_gets_a_models_least_at_the_cost_of_others(place: Place) -> None:
    name = f"first-{place.objects.name}"
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 9}
    place.plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(priority))
    place.nodes.add("a", gpus=4)
    place.objects.apply(model("many", autoscaling=BOUNDS))
    place.serving("many", 1)
    place.tell("many", 4)
    place.serving("many", 4)
    important = {"podTemplate": {"spec": {"priorityClassName": name}}}
    place.objects.apply(model("first", autoscaling={**BOUNDS, "minReplicas": 2}, **important))
    place.pods(lambda pods: (len(serving(pods, "first")), len(serving(pods, "many"))) == (2, 2))
    place.objects.ready("first", "Serving")
    place.objects.model("many", lambda status: "2 of 4 replicas serve" in condition(status, "Ready")["message"])

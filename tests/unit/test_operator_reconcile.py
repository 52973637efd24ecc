"""The shell: what it writes, what it leaves for later, and what errors come to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import pytest

from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.kube import Selectors
from auriga_operator.load_book import LoadBook
from auriga_operator.observe import Observer
from auriga_operator.reconcile import Reconciler
from auriga_operator.resources import Key, Object, Resource, key_of
from auriga_operator.scaling import Scaling
from auriga_operator.settings import Settings
from auriga_operator.store import Store
from auriga_operator.workqueue import Failed
from support.operator_world import NOW, VOLUME, live

Page = tuple[list[Object], str]
MODEL, CHAIN = Key("Model", "default", "m"), Key("RoleChain", "default", "c")


class FakeKube:
    """An API server in a few lines: what was written, and what it refuses."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writes: list[str] = []
        self.refusals: dict[str, Exception] = {}
        self.unseen: dict[Key, Object] = {}  # without the labels by which the operator sees them
        self.after: dict[str, str] = {}  # what is answered only once something else is
        self.answered: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.version = 100

    async def get(self, key: Key) -> Object | None:
        return None

    async def apply(self, item: Object, *, force: bool = True, subresource: str = "") -> Object:
        what = subresource or item["kind"]
        self.writes.append(what if force else f"{what} unless taken")
        if what in self.after:
            async with asyncio.timeout(10):
                await self.answered[self.after[what]].wait()
        if what in self.refusals:
            raise self.refusals[what]
        if not force and key_of(item) in self.unseen:
            raise ApiError(409, "Conflict", "managed by another")
        self.version += 1
        before = self.store.get(key_of(item))
        made = {**(before or {}), "status": item["status"]} if subresource else live(item, before)
        metadata = {"uid": "uid", **made["metadata"], "resourceVersion": str(self.version)}
        self.answered[what].set()
        return {**made, "metadata": metadata}

    async def pages(self, resource: Resource, namespace: str, selectors: Selectors) -> AsyncIterator[Page]:
        name = selectors["fieldSelector"].removeprefix("metadata.name=")
        item = self.unseen.get(Key(resource.kind, namespace, name))
        yield ([item] if item else []), "1"

    async def create(self, item: Object) -> Object:
        self.writes.append(f"{item['kind']} {item['reason']}")
        if "Event" in self.refusals:
            raise self.refusals["Event"]
        return item

    async def delete(self, key: Key, uid: str) -> None:
        self.writes.append(f"delete {key.kind}")


class World:
    """A reconciler with everything around it."""

    def __init__(self) -> None:
        self.store = Store()
        self.kube = FakeKube(self.store)
        self.now = 1000.0
        self.busy = False
        self.woken: list[Key] = []
        self.idle: list[Key] = []
        self.book = LoadBook()
        scaling = Scaling(self.book, lambda key, _: self.woken.append(key), clock=lambda: self.now, wall=lambda: NOW)
        observer = Observer(self.kube, self.store, image_volumes=False)  # type: ignore[arg-type]
        self.reconcile = Reconciler(
            self.kube, self.store, observer, Settings(), wake=self.woken.append,
            wake_when_idle=self.idle.append, busy=lambda: self.busy, scaling=scaling, clock=lambda: self.now,
        )  # type: ignore[arg-type]  # fmt: skip
        self.put("PersistentVolumeClaim", "weights", 1)

    def put(self, kind: str, name: str, version: int, **body: Any) -> None:
        metadata = {
            "name": name,
            "namespace": "default",
            "resourceVersion": str(version),
            "uid": "uid",
            "generation": 1,
        }
        self.store.put({"kind": kind, "apiVersion": "v", "metadata": metadata | body.pop("metadata", {}), **body})

    def put_model(self, version: int = 2, **body: Any) -> None:
        self.put("Model", "m", version, **{"spec": {"source": VOLUME}, "apiVersion": "auriga.dev/v1alpha1", **body})

    def status(self) -> Object:
        return dict((self.store.get(MODEL) or {})["status"])

    def reason(self) -> str:
        return str(self.status()["conditions"][0]["reason"])

    async def run(self, key: Key = MODEL) -> tuple[float | None, list[str]]:
        self.kube.writes.clear()
        return await self.reconcile(key), list(self.kube.writes)


@pytest.fixture
def world() -> World:
    return World()


async def test_children_and_status_in_one_pass_and_then_nothing(world: World) -> None:
    world.put_model()
    _, writes = await world.run()
    assert sorted(writes) == ["Deployment unless taken", "Service unless taken", "status"]
    assert await world.run() == (None, [])


async def test_the_first_status_does_not_wait_for_the_children(world: World) -> None:
    world.put_model()
    world.kube.after["Deployment"] = "status"
    await world.run()
    assert world.reason() == "Starting"


async def test_while_much_waits_the_first_status_comes_after_the_children(world: World) -> None:
    world.put_model()
    world.busy = True
    _, writes = await world.run()
    assert writes == ["Service unless taken", "Deployment unless taken", "status"]


async def test_only_the_first_status_is_written_before_the_answers(world: World) -> None:
    world.put_model()
    await world.run()
    world.put_model(500, spec={"source": VOLUME, "replicas": 2}, metadata={"generation": 2}, status=world.status())
    world.kube.version = 500
    _, writes = await world.run()
    assert writes == ["PodDisruptionBudget unless taken", "Deployment", "status"]
    assert world.status()["observedGeneration"] == 2


@pytest.mark.parametrize("error", [ApiError(500, "InternalError", ""), Unreachable("gone")])
async def test_a_new_model_stays_in_progress_while_a_child_gets_no_answer(world: World, error: Exception) -> None:
    world.put_model()
    world.kube.refusals["Deployment"] = error
    with pytest.raises(Failed):
        await world.run()
    told = {each["type"]: each["status"] for each in world.status()["conditions"]}
    assert (told["Ready"], told["Progressing"], told["Reconciling"]) == ("False", "True", "True")
    world.kube.refusals.clear()
    assert (await world.run())[1] == ["Deployment unless taken"]


async def test_a_new_model_is_made_although_its_status_is_not_taken(world: World) -> None:
    world.put_model()
    world.kube.refusals["status"] = Unreachable("gone")
    with pytest.raises(Failed):
        await world.run()
    world.kube.refusals.clear()
    assert (await world.run())[1] == ["status"]


async def test_what_is_gone_or_going_is_left_alone(world: World) -> None:
    assert await world.run() == (None, [])
    assert await world.run(CHAIN) == (None, [])
    world.put_model(metadata={"deletionTimestamp": "2026-11-21T10:00:00Z"})
    assert await world.run() == (None, [])


async def test_a_chain_is_told_of_its_members(world: World) -> None:
    world.put("RoleChain", "c", 2, spec={"members": [{"model": "m"}]}, apiVersion="auriga.dev/v1alpha1")
    assert (await world.run(CHAIN))[1] == ["status", "Event ModelNotFound"]
    world.put_model(3)
    await world.run()
    assert CHAIN in world.woken
    assert (await world.run(CHAIN))[1] == ["status"]


async def test_a_refusal_is_told_and_tried_again_later(world: World) -> None:
    world.put_model()
    world.kube.refusals["Deployment"] = ApiError(422, "Invalid", "spec.template is wrong")
    with pytest.raises(Failed):
        await world.run()
    assert (world.status()["phase"], world.reason()) == ("Failed", "Refused")
    assert world.kube.writes[-2:] == ["status", "Event Refused"], "whatever was written before the answer"
    with pytest.raises(Failed):
        await world.run()
    assert "status" not in world.kube.writes
    world.kube.refusals.clear()
    await world.run()
    assert (world.store.get(MODEL) or {})["status"]["phase"] == "Pending"


def service_of(uid: str) -> Object:
    owner = {"uid": uid, "controller": True}
    return {"kind": "Service", "metadata": {"name": "model-m", "namespace": "default", "ownerReferences": [owner]}}


async def test_what_is_its_own_and_has_lost_its_labels_is_put_right(world: World) -> None:
    world.put_model()
    world.kube.unseen[Key("Service", "default", "model-m")] = service_of("uid")
    _, writes = await world.run()
    assert writes.count("Service") == 1
    assert world.reason() == "Starting"


async def test_what_has_its_name_already_is_not_taken(world: World) -> None:
    world.put_model()
    world.kube.unseen[Key("Service", "default", "model-m")] = service_of("another")
    with pytest.raises(Failed):
        await world.run()
    assert world.reason() == "NameTaken"


@pytest.mark.parametrize(
    "error", [ApiError(500, "InternalError", ""), Unreachable("gone"), ApiError(409, "Conflict", "")]
)
async def test_what_passes_by_itself_is_tried_again_and_not_told(world: World, error: Exception) -> None:
    world.put_model()
    await world.run()
    world.put_model(500, spec={"source": VOLUME, "replicas": 5}, status={"phase": "Ready"})
    world.kube.refusals["Deployment"] = error
    with pytest.raises(Failed):
        await world.run()
    assert "status" not in world.kube.writes


async def test_the_server_says_how_long_to_wait(world: World) -> None:
    world.put_model()
    world.kube.refusals["status"] = ApiError(429, "TooManyRequests", "", retry_after=7)
    with pytest.raises(Failed) as failed:
        await world.run()
    assert failed.value.after == 7


async def test_a_model_that_goes_while_its_status_is_written(world: World) -> None:
    world.put_model()
    world.kube.refusals["status"] = ApiError(404, "NotFound", "")
    assert (await world.run())[0] is None


async def test_counts_wait_a_little_and_longer_while_much_is_to_do(world: World) -> None:
    world.put_model()
    await world.run()
    deployment = world.store.get(Key("Deployment", "default", "model-m")) or {}
    revision = deployment["spec"]["template"]["metadata"]["annotations"]["auriga.dev/revision"]
    marks = {"labels": deployment["spec"]["selector"]["matchLabels"], "annotations": {"auriga.dev/revision": revision}}
    world.put("Pod", "p", 300, spec={}, status={"phase": "Pending"}, metadata=marks)
    status = (world.store.get(MODEL) or {})["status"]
    assert status["replicas"] == 0
    # A pod without a node changes the reason of Scheduled: that is told at once.
    assert (await world.run())[1] == ["status"]
    world.put("Pod", "q", 301, spec={}, status={"phase": "Pending"}, metadata=marks)
    world.now += 0.5
    assert await world.run() == (1.5, [])
    world.busy = True
    world.now += 5
    assert await world.run() == (24.5, [])
    assert world.idle == [MODEL], "sooner if nothing else is to do"
    world.now += 30
    assert (await world.run())[1] == ["status"]
    world.busy = False


async def test_an_event_that_was_told_before_is_no_error(world: World) -> None:
    world.put_model(spec={"source": {"volume": {"claimName": "nowhere", "path": "m.gguf"}}})
    world.kube.refusals["Event"] = ApiError(409, "AlreadyExists", "")
    _, writes = await world.run()
    assert sorted(writes) == ["Event ClaimNotFound", "Service unless taken", "status"]


async def test_a_spec_that_cannot_be_read_says_so_once(world: World) -> None:
    world.put_model(spec={"source": {"volume": {"claimName": "w", "path": "../up"}}})
    assert (await world.run())[1] == ["status", "Event InvalidSpec"]
    assert [each["reason"] for each in world.status()["conditions"]] == ["InvalidSpec", "InvalidSpec"]
    assert (await world.run())[1] == []

"""What the router makes of each object of a cluster."""

import pytest

from auriga_router.sources.kubernetes import objects
from auriga_router.sources.kubernetes.objects import Slice, Unreadable
from support.kubernetes_objects import chain, endpoint_slice, model, provider


@pytest.mark.parametrize(
    ("endpoint", "taken"),
    [
        ({}, True),
        ({"conditions": {}}, True),
        ({"conditions": {"ready": None}}, True),
        ({"conditions": {"ready": True, "serving": True, "terminating": False}}, True),
        ({"conditions": {"ready": False}}, False),
        ({"conditions": {"ready": False, "serving": True, "terminating": True}}, False),
        # A Service that publishes addresses which are not ready calls all of them ready, also when they go.
        ({"conditions": {"ready": True, "terminating": True}}, False),
    ],
)
def test_only_endpoints_that_take_new_requests_count(endpoint: dict, taken: bool) -> None:
    found = objects.read_slice(endpoint_slice("s", "m", {"addresses": ["10.0.0.1"], **endpoint}))
    assert (found.model, found.ready) == ("default/m", frozenset({"10.0.0.1:8080"} if taken else ()))


def test_endpoints_that_finish_what_they_have_begun_are_told_apart_from_those_that_are_gone() -> None:
    def pod(host: str, **conditions: bool) -> dict:
        return {"addresses": [host], "conditions": conditions}

    found = objects.read_slice(
        endpoint_slice(
            "s",
            "m",
            pod("10.0.0.1", ready=True),
            pod("10.0.0.2", ready=False, serving=True, terminating=True),
            pod("10.0.0.3", ready=False, serving=False, terminating=True),
            pod("10.0.0.4", ready=False),
        )
    )
    assert found.terminating == {"10.0.0.2:8080", "10.0.0.3:8080"}
    assert objects.terminating([found, found]) == ("10.0.0.2:8080", "10.0.0.3:8080")


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([{"name": "metrics", "port": 9}, {"name": "http", "port": 8000}], {"10.0.0.1:8000"}),
        ([{"port": 7}], {"10.0.0.1:7"}),
        ([{"name": "other", "port": 6}], {"10.0.0.1:6"}),
        ([{"name": "http"}], set()),  # every port: nobody can say which
        ([], set()),
        (None, set()),
    ],
)
def test_the_port_is_the_one_called_http(ports: list | None, expected: set[str]) -> None:
    assert objects.read_slice(endpoint_slice("s", "m", "10.0.0.1", ports=ports or ())).ready == expected


def test_a_slice_without_endpoints_reads_as_empty() -> None:
    item = endpoint_slice("s", "m") | {"endpoints": None}
    assert objects.read_slice(item) == Slice("default/m", frozenset())


def test_endpoints_of_several_slices_are_one_sorted_list_without_doubles() -> None:
    parts = [Slice("default/m", frozenset({"10.0.0.2:1", "10.0.0.1:1"})), Slice("default/m", frozenset({"10.0.0.1:1"}))]
    assert objects.addresses(parts) == ("10.0.0.1:1", "10.0.0.2:1")


def test_of_pods_with_two_addresses_one_is_asked() -> None:
    four = objects.read_slice(endpoint_slice("a", "m", "10.0.0.1"))
    six = objects.read_slice(endpoint_slice("b", "m", "fd00::1", kind="IPv6"))
    assert objects.addresses([six, four]) == ("10.0.0.1:8080",)
    assert objects.addresses([six]) == ("[fd00::1]:8080",)


def test_a_model_is_read_with_its_status_and_without_what_routing_has_no_use_for() -> None:
    item = model("m", podTemplate={"spec": {"nodeSelector": {"a": "b"}}}) | {"status": {"phase": "Loading"}}
    found = objects.read_model(item)
    assert found.metadata.key == "default/m"
    assert found.spec.pod_template is None
    assert found.status
    assert found.status.phase == "Loading"
    assert found == objects.read_model(item | {"metadata": item["metadata"] | {"resourceVersion": "2", "labels": {}}})


def test_what_is_as_by_default_takes_no_memory_of_its_own() -> None:
    """The API server writes the defaults out, in each of ten thousand Models."""
    written = {
        "engine": {"image": "", "parallel": 4, "args": [], "env": []},
        "timeouts": {"connect": "2s", "firstToken": "2m", "stall": "60s", "total": "1h"},
        "limits": {},
        "tags": ["x"],
    }
    conditions = [{"type": kind, "status": "True", "reason": "Ok"} for kind in ("Scheduled", "Ready", "WeightsReady")]
    status = {"phase": "Ready", "conditions": conditions}
    one, two = objects.read_model(model("a", **written) | {"status": status}), objects.read_model(model("b"))
    assert one.spec.engine is two.spec.engine
    assert one.spec.timeouts is two.spec.timeouts
    assert one.spec.limits is two.spec.limits
    assert one.status
    assert [condition.type for condition in one.status.conditions] == ["Ready"]
    slow = objects.read_model(model("a", timeouts=written["timeouts"] | {"stall": "5s"}))
    assert (slow.spec.timeouts.stall, slow.spec.timeouts.total) == ("5s", "1h")


def test_fields_of_a_newer_version_do_not_take_a_model_out_of_service() -> None:
    item = model("m", engine={"parallel": 2, "turbo": True}, novelty={"a": 1}, replicas=3)
    found = objects.read_model(item)
    assert (found.spec.engine.parallel, found.spec.replicas) == (2, 3)


def test_a_field_of_a_newer_version_in_a_list_is_left_out_too() -> None:
    item = chain("c", "m")
    item["spec"]["members"][0]["novelty"] = 1
    assert objects.read_chain(item).spec.members[0].model == "m"


@pytest.mark.parametrize("strategy", ["Clairvoyant", 3])
def test_what_cannot_be_read_is_said_in_one_line(strategy: object) -> None:
    with pytest.raises(Unreadable, match=r"^spec\.strategy: write [^\n]*$"):
        objects.read_chain(chain("c", "m", strategy=strategy, novelty=1))


def test_secrets_are_named_with_the_keys_that_are_needed() -> None:
    items = [provider("a", "s"), provider("b", "s", namespace="other"), model("c")]
    items[0]["spec"]["external"]["credentialsSecretRef"]["key"] = "k"
    items.append(provider("d", "s"))
    references = filter(None, (objects.reference_of(objects.read_model(item)) for item in items))
    assert objects.needed(references) == {"default/s": {"k", "token"}, "other/s": {"token"}}


def test_secrets_are_decoded() -> None:
    assert objects.read_secret({"data": {"a": "aGk="}}) == {"a": b"hi"}
    assert objects.read_secret({}) == {}

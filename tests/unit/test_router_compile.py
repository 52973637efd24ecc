"""A snapshot compiled into a routing table: names, members, providers, and what outlives a swap."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_api.model import ModelStatus
from auriga_router.compile import compile as compiled
from auriga_router.endpoint import Address
from auriga_router.naming import near
from auriga_router.providers import Site, site
from auriga_router.routing.outcome import Outcome
from auriga_router.table import NotReady, Timeouts
from support.http_router import chain, model, snapshot


def external(**fields: Any) -> Any:
    spec = {"provider": "openaiCompatible", "baseURL": "https://models.example/v1", **fields}
    return model("cloud", external=spec).spec.external


SECRETS = {"default/keys": {"good": b" sk-1\n", "empty": b"\n", "lines": b"a\r\nX-Evil: 1"}}


@pytest.mark.parametrize(
    ("fields", "address", "path"),
    [
        ({}, Address("models.example", 443, True), b"/v1"),
        ({"baseURL": "http://models.example:8000/a/b/"}, Address("models.example", 8000), b"/a/b"),
        ({"baseURL": "http://[::1]:8000/v1"}, Address("::1", 8000), b"/v1"),
        ({"provider": "openai", "baseURL": ""}, Address("api.openai.com", 443, True), b"/v1"),
        ({"provider": "ollama", "baseURL": "http://host:11434"}, Address("host", 11434), b"/v1"),
        ({"provider": "ollama", "baseURL": "http://host:11434/v1"}, Address("host", 11434), b"/v1"),
    ],
)
def test_where_a_provider_is(fields: dict[str, Any], address: Address, path: bytes) -> None:
    found = site(external(**fields), "default", SECRETS)
    assert isinstance(found, Site)
    assert (found.address, found.path) == (address._replace(external=True), path)


def test_the_key_and_the_headers_of_a_provider() -> None:
    spec = external(credentialsSecretRef={"name": "keys", "key": "good"}, headers={"X-Org": "us"})
    found = site(spec, "default", SECRETS)
    assert isinstance(found, Site)
    assert found.headers == b"authorization: Bearer sk-1\r\nx-org: us\r\n"
    assert "sk-1" not in repr(found)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"credentialsSecretRef": {"name": "none", "key": "good"}}, "SecretMissing"),
        ({"credentialsSecretRef": {"name": "keys", "key": "none"}}, "SecretKeyMissing"),
        ({"credentialsSecretRef": {"name": "keys", "key": "empty"}}, "SecretInvalid"),
        ({"credentialsSecretRef": {"name": "keys", "key": "lines"}}, "SecretInvalid"),
    ],
)
def test_a_provider_without_its_key_says_what_is_missing(fields: dict[str, Any], reason: str) -> None:
    found = site(external(**fields), "default", SECRETS)
    assert isinstance(found, NotReady)
    assert found.reason == reason
    assert "keys" in found.message or "none" in found.message
    assert "Evil" not in found.message


@pytest.mark.parametrize("url", ["", "models.example/v1", "ftp://models.example", "https://u:p@models.example/v1",
                                 "https://models.example/v1?key=1", "https://models.example:0/v1",
                                 "https://models.example/a b"])  # fmt: skip
def test_an_address_that_cannot_be_asked_is_said_to_be_wrong(url: str) -> None:
    spec = external().model_copy(update={"base_url": url})  # the API refuses most of these: they are tried all the same
    found = site(spec, "default", {})
    assert isinstance(found, NotReady)
    assert found.reason == "InvalidBaseURL"


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X Y": "a"}, {"Host": "a"}, {"content-length": "0"},
                                     {"Transfer-Encoding": "chunked"}, {"X": "\u20ac"}])  # fmt: skip
def test_headers_that_would_break_a_request_are_refused(headers: dict[str, str]) -> None:
    spec = external().model_copy(update={"headers": headers})
    found = site(spec, "default", {})
    assert isinstance(found, NotReady)
    assert found.reason == "InvalidHeaders"


def test_members_take_the_models_timeouts_unless_they_have_their_own() -> None:
    table = compiled(
        snapshot(
            model("m1", timeouts={"connect": "1s", "firstToken": "10s"}),
            chain("role", {"model": "m1", "timeouts": {"firstToken": "1m30s", "stall": "250ms"}}),
        )
    )
    assert table.names["m1"].members[0].timeouts == Timeouts(1.0, 10.0, 60.0, 3600.0)
    assert table.names["role"].members[0].timeouts == Timeouts(1.0, 90.0, 0.25, 3600.0)


def test_what_keeps_a_member_from_being_asked() -> None:
    state = snapshot(
        model("local"),
        model("cloud", external={"provider": "openaiCompatible", "baseURL": "https://models.example/v1"}),
        chain("kept-in", "local", "cloud", privacy={"localOnly": True}),
        chain("outside", {"model": "local", "when": {"localityIn": ["Cloud"]}}, "cloud"),
        chain("seeing", {"model": "local", "when": {"capabilities": ["vision", "embeddings"]}}, "cloud"),
        endpoints={"local": "127.0.0.1:1"},
    )
    reasons = {
        entry.role: [member.not_ready.reason if member.not_ready else None for member in entry.members]
        for entry in compiled(state).chains.values()
    }
    assert reasons == {"kept-in": [None, "LocalOnly"], "outside": ["When", None], "seeing": ["When", None]}


@pytest.mark.parametrize(
    ("conditions", "not_ready"),
    [
        ([{"type": "Ready", "status": "False", "reason": "Why", "message": "because"}], ("Why", "because")),
        ([], ("Downloading", "no endpoint is ready")),
    ],
)
def test_a_served_model_without_endpoints_says_what_its_status_says(
    conditions: list[dict[str, str]], not_ready: tuple[str, str]
) -> None:
    status = ModelStatus.model_validate({"phase": "Downloading", "conditions": conditions})
    served = model("m1").model_copy(update={"status": status})
    assert compiled(snapshot(served)).backends["default/m1"].not_ready == not_ready


def test_counters_are_taken_over_for_what_stays_and_dropped_for_what_goes() -> None:
    objects = [model("m1"), model("m2"), chain("role", "m1", "m2")]
    first = compiled(snapshot(*objects, endpoints={"m1": ("127.0.0.1:1", "127.0.0.1:2"), "m2": "127.0.0.1:3"}))
    first.names["role"].members[0].tally.outcomes[Outcome.OK.ordinal] = 7
    second = compiled(snapshot(*objects, endpoints={"m1": ("127.0.0.1:2", "127.0.0.1:4")}), first)
    old, new = first.backends["default/m1"].endpoints, second.backends["default/m1"].endpoints
    assert new[0] is old[1]
    assert new[1] not in old
    assert len(new) == 2
    assert second.names["role"].members[0].tally is first.names["role"].members[0].tally


def test_a_role_that_two_chains_claim_belongs_to_the_first_and_a_role_hides_a_synonym() -> None:
    table = compiled(
        snapshot(
            *[model("m1"), model("m2"), model("m3")],
            chain("a", "m1", role="x"),
            chain("b", "m2", role="x", synonyms=["y", "m3"]),
            chain("y", "m3"),
        )
    )
    assert {name: table.names[name].key for name in ("x", "y", "m3")} == {
        "x": "default/a",
        "y": "default/y",
        "m3": "default/b",
    }


def test_the_default_namespace_is_a_setting() -> None:
    state = snapshot(model("m"), model("m", "team"))
    assert compiled(state, default_namespace="team").names["m"].key == "team/m"
    assert compiled(state, default_namespace="elsewhere").ambiguous["m"] == ("default/m", "team/m")


def test_near_names_are_few_and_found_among_many() -> None:
    names = [f"role-{number}" for number in range(10_000)]
    assert near("role-12", names)[0] == "role-12"
    assert len(near("role", names)) <= 3
    assert near("x" * 100_000, names) == []


@pytest.mark.parametrize(
    ("strategy", "waits"),
    [("Ordered", True), ("Weighted", True), ("LeastCost", True), ("LeastLatency", False), ("Adaptive", False)],
)
def test_who_asks_for_the_fastest_does_not_wait_while_another_is_free(strategy: str, waits: bool) -> None:
    table = compiled(snapshot(model("m1"), model("m2"), chain("role", "m1", "m2", strategy=strategy)))
    assert table.chains["default/role"].queues is waits

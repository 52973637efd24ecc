"""One meaning everywhere: a real API server takes, refuses and defaults exactly what pydantic does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from auriga_api import Model, RoleChain, crd
from auriga_api.manifests import parse, plain
from auriga_api.manifests.documents import read, write
from support import api_strategies
from support.api_cases import INVALID, VALID, Case
from support.controlplane import ControlPlane

PATHS = {"Model": "models", "RoleChain": "rolechains"}
CREATE = {"dryRun": "All", "fieldValidation": "Strict"}

generated = settings(
    max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    with control_plane.client() as client:
        yield client


def ask_server(server: httpx.Client, item: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """The object as it would be stored, or the reason why it would not be."""
    path = f"/apis/auriga.dev/v1alpha1/namespaces/default/{PATHS[item['kind']]}"
    answer = server.post(path, params=CREATE, content=json.dumps(item), headers={"content-type": "application/json"})
    body = answer.json()
    assert answer.status_code in (201, 400, 422), body
    return (body, "") if answer.is_success else (None, body["message"])


def ask_pydantic(item: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    manifests = parse({"": write([item])})
    found = [*manifests.models.values(), *manifests.chains.values()]
    return (plain(found[0]) if found else None), "\n".join(map(str, manifests.problems))


def without_empty(value: Any) -> Any:
    """An empty field and an absent one mean the same."""
    if isinstance(value, dict):
        fields = {key: without_empty(part) for key, part in value.items()}
        return {key: part for key, part in fields.items() if part not in ("", [], {})}
    return [without_empty(part) for part in value] if isinstance(value, list) else value


def assert_same(server: httpx.Client, item: dict[str, Any]) -> None:
    # The way through YAML is kubectl's: the JSON that it sends has no 2.0.
    documents, _ = read(write([item]))
    stored, refusal = ask_server(server, documents[0].value)
    ours, problems = ask_pydantic(item)
    assert (stored is None) == (ours is None), (
        f"{item}\nserver: {refusal or 'takes it'}\npydantic: {problems or 'takes it'}"
    )
    if stored and ours:
        assert without_empty(stored["spec"]) == without_empty(ours["spec"])


@pytest.mark.parametrize("case", VALID, ids=str)
def test_valid_objects_are_stored_as_pydantic_dumps_them(server: httpx.Client, case: Case) -> None:
    stored, refusal = ask_server(server, case.object)
    assert not refusal
    assert_same(server, case.object)
    assert stored


@pytest.mark.parametrize("case", INVALID, ids=str)
def test_invalid_objects_are_refused_in_the_words_of_the_table(server: httpx.Client, case: Case) -> None:
    stored, refusal = ask_server(server, case.object)
    assert stored is None
    assert case.server in refusal


@given(item=api_strategies.specs(Model))
@generated
def test_generated_models_mean_the_same(server: httpx.Client, item: dict[str, Any]) -> None:
    assert_same(server, item)


@given(item=api_strategies.specs(RoleChain))
@generated
def test_generated_chains_mean_the_same(server: httpx.Client, item: dict[str, Any]) -> None:
    assert_same(server, item)


@given(item=api_strategies.resources())
@generated
def test_generated_quantities_compare_the_same(server: httpx.Client, item: dict[str, Any]) -> None:
    assert_same(server, item)


@given(item=api_strategies.mutants())
@settings(generated, max_examples=300)
def test_mutants_of_valid_objects_mean_the_same(server: httpx.Client, item: dict[str, Any]) -> None:
    assert_same(server, item)


@pytest.mark.parametrize("plural", ["models", "rolechains"])
def test_the_definitions_are_established_and_structural(server: httpx.Client, plural: str) -> None:
    crd = server.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.auriga.dev").json()
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_the_definitions_are_cheap_enough_for_api_servers_before_1_34(server: httpx.Client) -> None:
    """They ignore the maxLength of an int-or-string, so that without it the estimate here is theirs."""
    for definition in crd.crds():
        name = definition["metadata"]["name"]
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        now = server.get(path).json()
        answer = server.put(path, params={"dryRun": "All"}, json=now | {"spec": without_bounds(definition["spec"])})
        assert answer.is_success, answer.json()["message"]


def without_bounds(value: Any) -> Any:
    if isinstance(value, dict):
        bounds = {"maxLength"} if value.get("x-kubernetes-int-or-string") else set()
        return {key: without_bounds(part) for key, part in value.items() if key not in bounds}
    return [without_bounds(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("model.spec.source", ["Exactly one of", "huggingFace\t<Object>", "A repository of the Hugging Face hub"]),
        ("mdl.spec.timeouts", ["firstToken\t<string>", "reading a long prompt", "Default: 2m."]),
        ("rch.spec.members", ["model\t<string> -required-", "Name of a Model in this namespace."]),
        ("rolechain.spec.fallback.onBusy", ["ENUM:", "Spill", "Default: Queue."]),
    ],
)
def test_kubectl_explains_every_field(control_plane: ControlPlane, field: str, words: list[str]) -> None:
    text = " ".join(control_plane.kubectl("explain", field).stdout.split())
    for word in words:
        assert " ".join(word.split()) in text


def test_kubectl_lists_and_scales(control_plane: ControlPlane, namespace: str) -> None:
    both = [case.object for case in VALID if case.name in ("smallest served Model", "weighted")]
    control_plane.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=write(both))
    control_plane.kubectl("scale", f"--namespace={namespace}", "model/case", "--replicas=3")
    table = control_plane.kubectl("get", f"--namespace={namespace}", "auriga").stdout.splitlines()
    assert table[0].split() == ["NAME", "PHASE", "READY", "REPLICAS", "PROVIDER", "SOURCE", "AGE"]
    assert [line.split() for line in table if "ROLE" in line] == [["NAME", "ROLE", "READY", "ACTIVE", "MEMBERS", "AGE"]]
    scale = control_plane.kubectl(
        "get", f"--namespace={namespace}", "model/case", "--subresource=scale", "--output=jsonpath={.spec.replicas}"
    )
    assert scale.stdout == "3"


ODD_WORDS = [
    "y", "Y", "yes", "NO", "on", "Off", "true", "TRUE", "tRUE", "null", "~", "Null", "010", "0o10", "08", "0x1F",
    "0b11", "1_000", "1e3", "1.5", ".5", "1.", "+5", "-0", "-010", "1:30", "2001-01-01", "=", ".", "+", "1e", "1E400",
    "12e03", "0_", "_1", "99999999999999999999", "1.0", "24Gi", "500m", "<<x",
]  # fmt: skip


def test_words_without_quotes_are_read_as_kubectl_reads_them(control_plane: ControlPlane) -> None:
    text = "apiVersion: auriga.dev/v1alpha1\nkind: Model\nmetadata: {name: a}\nspec:\n  tags:\n"
    text += "".join(f"  - {word}\n" for word in ODD_WORDS)
    theirs = control_plane.kubectl("label", "--local", "--filename=-", "--output=json", "a=b", stdin=text).stdout
    documents, faults = read(text)
    assert not faults
    ours = [(word, value) for word, value in zip(ODD_WORDS, documents[0].value["spec"]["tags"], strict=True)]
    assert ours == list(zip(ODD_WORDS, json.loads(theirs)["spec"]["tags"], strict=True))


def test_kubectl_takes_an_unquoted_on_for_a_boolean_so_no_field_may_be_named_so(
    control_plane: ControlPlane,
) -> None:
    text = "apiVersion: auriga.dev/v1alpha1\nkind: RoleChain\nmetadata: {name: a}\nspec: {fallback: {on: [Connect]}}\n"
    read_back = control_plane.kubectl("label", "--local", "--filename=-", "--output=json", "a=b", stdin=text).stdout
    assert json.loads(read_back)["spec"]["fallback"] == {"true": ["Connect"]}

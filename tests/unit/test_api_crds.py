"""The generated CRDs: as committed, structural, and each field described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from auriga_api import Model, RoleChain, crd

CRDS = Path(__file__).parents[2] / "crds"
RULES = "x-kubernetes-validations"


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every (path, schema) below a schema; [] stands for an item of a list or a map."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from fields(part, f"{path}.{name}")
    for holder in ("items", "additionalProperties"):
        if holder in schema:
            yield from fields(schema[holder], f"{path}[]")


ALL = {path: schema for kind in (Model, RoleChain) for path, schema in fields(crd.schema_of(kind), kind.__name__)}


def test_the_committed_files_are_what_the_types_say() -> None:
    committed = {path.name: path.read_text() for path in CRDS.glob("*.yaml")}
    assert committed == crd.crd_yaml()
    assert [yaml.safe_load(text) for text in crd.crd_yaml().values()] == crd.crds()


def test_the_command_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crd.main(["--check", str(tmp_path)]) == 1
    assert "models.auriga.dev.yaml is not what the types say: run `make crds`" in capsys.readouterr().err
    assert crd.main([str(tmp_path)]) == 0
    assert crd.main(["--check", str(tmp_path)]) == 0


def test_the_schema_is_structural() -> None:
    assert not [path for path, schema in ALL.items() if {"$ref", "anyOf", "title", "$defs"} & schema.keys()]
    typed = [path for path, schema in ALL.items() if "type" in schema or schema.get("x-kubernetes-int-or-string")]
    assert typed == list(ALL)


def test_every_field_has_a_description_in_whole_sentences() -> None:
    named = {path: schema for path, schema in ALL.items() if not path.endswith((".metadata", ".metadata.name", "[]"))}
    short = {"Model.apiVersion", "Model.kind", "RoleChain.apiVersion", "RoleChain.kind"}
    assert not [path for path in named.keys() - short if not named[path].get("description", "").endswith((".", "}."))]
    assert not [path for path, schema in named.items() if "``" in schema["description"]]


def test_kubectl_explain_tells_every_default_because_it_shows_none() -> None:
    values = {path: schema for path, schema in ALL.items() if isinstance(schema.get("default"), (str, int, list))}
    assert len(values) > 20
    assert not [path for path, schema in values.items() if "Default: " not in schema["description"]]


def test_what_a_spec_holds_is_bounded_because_rules_must_not_cost_too_much() -> None:
    bounds = {"array": "maxItems", "string": "maxLength"}
    free = {
        path
        for path, schema in ALL.items()
        if ".spec." in path and "enum" not in schema and bounds.get(schema.get("type", ""), "type") not in schema
        if not schema.get("x-kubernetes-int-or-string")
    }
    assert free == {f"Model.spec.podTemplate.metadata.{name}[]" for name in ("labels", "annotations")}
    assert not [
        path for path, schema in ALL.items() if "additionalProperties" in schema and "maxProperties" not in schema
    ]


def test_every_list_says_how_it_is_merged_but_for_arguments() -> None:
    lists = [path for path, schema in ALL.items() if schema.get("type") == "array"]
    assert [path for path in lists if "x-kubernetes-list-type" not in ALL[path]] == ["Model.spec.engine.args"]


def test_a_status_has_no_defaults() -> None:
    assert not [path for path, schema in ALL.items() if ".status" in path and "default" in schema]


def test_every_rule_says_what_to_write_in_one_line_and_names_a_field_that_is_there() -> None:
    rules = [(path, rule) for path, schema in ALL.items() for rule in schema.get(RULES, ())]
    assert len(rules) > 60
    assert not [rule for _, rule in rules if not 20 < len(rule["message"]) <= 120 or "\n" in rule["message"]]
    assert not [rule for path, rule in rules if path + rule.get("fieldPath", "") not in ALL]

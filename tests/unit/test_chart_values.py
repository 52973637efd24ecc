"""The chart and the programs it runs say the same: every setting is a value, with the same default."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from auriga_operator.settings import Settings
from auriga_router.settings import ProcessSettings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "auriga"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())

# The chart sets these itself.
OWN = {
    "operator": {"namespaces", "image", "router_service", "load_token_file"},
    "router": {"file", "kubernetes", "namespaces", "state", "ca_file", "load_token_file"},
}
# And differs here, with the reason in values.yaml.
OTHERWISE = {
    "operator": {"lease_name": ""},
    "router": {"default_namespace": "", "host": "0.0.0.0", "drain": 300},
}


def camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def defaults(program: str) -> dict[str, Any]:
    settings = {"operator": Settings(), "router": ProcessSettings()}[program]
    fields = [each for each in dataclasses.fields(settings) if not each.metadata.get("hidden")]
    values = {each.name: getattr(settings, each.name) for each in fields if each.name not in OWN[program]}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {camel(name): value for name, value in (plain | OTHERWISE[program]).items()}


@pytest.mark.parametrize("program", ["operator", "router"])
def test_every_setting_is_a_value_with_the_programs_default(program: str) -> None:
    assert VALUES[program]["settings"] == defaults(program)


def test_the_schema_knows_exactly_the_values_that_there_are() -> None:
    def known(schema: dict[str, Any], value: Any) -> None:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if schema.get("additionalProperties") is False:
            assert set(schema["properties"]) - {"global"} == set(value) or not value
            for name, part in value.items():
                known(schema["properties"][name], part)

    known(SCHEMA, VALUES)


@pytest.mark.parametrize("file", sorted((ROOT / "crds").glob("*.yaml")), ids=lambda path: path.name)
def test_the_definitions_are_those_of_the_tree(file: Path) -> None:
    assert (CHART / "files" / "crds" / file.name).read_text() == file.read_text()


def test_the_versions_are_one() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert project
    assert chart["appVersion"] == project[1]


def test_alerts_and_dashboard_use_metrics_that_exist() -> None:
    router = ROOT / "router" / "auriga_router"
    sources = [(router / name).read_text() for name in ("metrics.py", "workers/merged_metrics.py")]
    known = set(re.findall(r'"((?:auriga|gen_ai_server)_\w+)"', "".join(sources)))
    used = set()
    for file in ("alerts.yaml", "dashboard.json"):
        text = (CHART / "files" / file).read_text()
        used |= {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"(?:auriga|gen_ai_server)_\w+", text)}
    assert used
    assert used <= known

"""The chart as Helm renders it."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.kube.helm import HELM
from support.kube.program import ProgramMissingError

CHART = Path(__file__).parents[2] / "charts" / "auriga"

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm does not take the values; the message is what it says."""


@cache
def helm() -> Path:
    """Helm itself. Fails the test in one line where there is none."""
    try:
        return HELM.find()
    except ProgramMissingError as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None


def render(values: Object | None = None, *, namespace: str = "auriga-system", release: str = "auriga") -> list[Object]:
    """All objects, hooks too. Raises RefusedError."""
    text = _run("template", release, str(CHART), f"--namespace={namespace}", values=values)
    return [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]


def render_on(kubeconfig: Path, namespace: str) -> list[Object]:
    """The same with a cluster to look things up in, as an upgrade there renders it."""
    where = [f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", "--dry-run=server"]
    text = _run("template", "auriga", str(CHART), *where, values=None)
    return [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]


def notes(kubeconfig: Path, values: Object | None = None) -> str:
    """What a person reads after `helm install` on that cluster, where nothing is installed."""
    where = [f"--kubeconfig={kubeconfig}", "--namespace=auriga-system", "--dry-run=server"]
    text = _run("install", "auriga", str(CHART), *where, values=values)
    return text.partition("NOTES:\n")[2]


def lint(values: Object | None = None) -> str:
    """What `helm lint --strict` says. Raises RefusedError when it finds fault."""
    return _run("lint", str(CHART), "--strict", values=values)


def previous_chart(folder: Path) -> Path:
    """A chart as an earlier version might have been, in `folder`: another version, whose Model knows no tags."""
    shutil.copytree(CHART, folder)
    about = yaml.safe_load((folder / "Chart.yaml").read_text())
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "0.0.1"}))
    path = folder / "files" / "crds" / "models.auriga.dev.yaml"
    crd = yaml.safe_load(path.read_text())
    del spec_properties(crd)["tags"]
    path.write_text(yaml.safe_dump(crd))
    return folder


def spec_properties(crd: Object) -> Object:
    """The fields of a definition's spec."""
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(schema["properties"]["spec"])["properties"]


def only(items: list[Object], kind: str, name: str = "") -> Object:
    """The one object of that kind (and of a name that ends so)."""
    (found,) = [item for item in items if item["kind"] == kind and item["metadata"]["name"].endswith(name)]
    return found


def container(items: list[Object], program: str) -> Object:
    """The container of the operator or the router."""
    (found,) = only(items, "Deployment", f"-{program}")["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(items: list[Object], program: str) -> dict[str, str]:
    """Its variables."""
    return {variable["name"]: variable["value"] for variable in container(items, program)["env"]}


def _run(*arguments: str, values: Object | None) -> str:
    command = [str(helm()), *arguments, "--values=-"]
    process = subprocess.run(
        command, input=json.dumps(values or {}), text=True, capture_output=True, check=False, timeout=60
    )
    if process.returncode:
        raise RefusedError(process.stdout + process.stderr)
    return process.stdout

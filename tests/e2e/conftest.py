"""Scenarios on a real node: `make e2e`, or one of them alone while `make cluster` is up: `pytest tests/e2e/apply`.

They need root and a minute for the cluster, so they are collected only when they are asked for by their path.
"""

import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from e2e import cluster, diagnosis
from e2e.install import CHART
from e2e.kubectl import Kubectl, TroubleError
from e2e.release import NAMESPACE, Release

HERE = Path(__file__).parent
SECONDS = 600
SCENARIO = "auriga.dev/scenario=true"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for what is here, unless somebody names it."""
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pods take longer to come and go than what other tests wait for."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the cluster was like when a scenario failed, since it is gone when somebody reads of it."""
    report = yield
    kubectl = getattr(item, "funcargs", {}).get("kubectl")
    if report.when == "call" and report.failed and kubectl is not None:
        report.sections += diagnosis.sections(kubectl)
    return report


@pytest.fixture(scope="session")
def system() -> Iterator[Kubectl]:
    """kubectl in the namespace of operator and router; at the end no scenario has left anything that cannot go."""
    try:
        found = Kubectl(cluster.running()[1], NAMESPACE)
    except TroubleError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    yield found
    found.run("wait", "namespaces", f"--selector={SCENARIO}", "--for=delete", "--timeout=180s")


@pytest.fixture
def kubectl(system: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a fresh namespace with what the scenario's folder holds in YAML; it is deleted afterwards."""
    name = f"e2e-{request.path.parent.name.replace('_', '-')}-{secrets.token_hex(2)}"
    system.run("create", "namespace", name)
    system.run("label", "namespace", name, SCENARIO)
    found = Kubectl(system.kubeconfig, name)
    try:
        found.wait("create", "serviceaccount/default")
        found.run("apply", f"--filename={request.path.parent}")
        yield found
    finally:
        # Not waited for here: the next scenario has a namespace of its own.
        system.run("delete", "namespace", name, "--wait=false")


@pytest.fixture
def release(system: Kubectl) -> Iterator[Release]:
    """The release of the chart, for a scenario that changes it; afterwards it is as it was."""
    found = Release(system)
    values = found.values()
    try:
        yield found
    finally:
        found.upgrade(CHART, values)

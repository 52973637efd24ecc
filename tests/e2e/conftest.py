"""Scenarios on a real node: `make e2e`, or one of them alone while `make cluster` is up: `pytest tests/e2e/apply`.

They need root and a minute for the cluster, so they are collected only when they are asked for by their path.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import cluster
from e2e.install import NAMESPACE
from e2e.kubectl import Kubectl

HERE = Path(__file__).parent
SECONDS = 600


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for what is here, unless somebody names it."""
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pods take longer to come and go than what other tests wait for."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def system() -> Kubectl:
    """kubectl in the namespace of operator and router."""
    found = cluster.kubeconfig()
    if found is None:
        raise pytest.fail.Exception("no cluster runs: `make cluster` starts one", pytrace=False)
    return Kubectl(found, NAMESPACE)


@pytest.fixture
def kubectl(system: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a fresh namespace with what the scenario's folder holds in YAML; it is deleted afterwards."""
    name = f"e2e-{request.path.parent.name.replace('_', '-')}-{secrets.token_hex(2)}"
    system.run("create", "namespace", name)
    found = Kubectl(system.kubeconfig, name)
    try:
        found.wait("create", "serviceaccount/default")
        found.run("apply", f"--filename={request.path.parent}")
        yield found
    finally:
        system.run("delete", "namespace", name, "--wait=true", "--timeout=120s")

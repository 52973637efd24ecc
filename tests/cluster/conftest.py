"""A control plane for the whole run, and a namespace of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.controlplane import ControlPlane
from support.kube.provide import BinariesMissingError

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane that knows the tree's CustomResourceDefinitions, and records its requests."""
    directory = tmp_path_factory.mktemp("control-plane")
    try:
        plane = ControlPlane(directory, crds=sorted(CRDS.glob("*.yaml")), audit=True)
    except BinariesMissingError as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
    with plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A fresh namespace, deleted with all that is in it when the test has ended."""
    name = control_plane.create_namespace()
    yield name
    with control_plane.client() as client:
        client.delete(f"/api/v1/namespaces/{name}").raise_for_status()

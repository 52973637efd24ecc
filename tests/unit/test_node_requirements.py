"""What a person reads when this machine cannot be the node of a test cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from e2e.node.requirements import PROGRAMS, Machine, obstacle

FIT = Machine(system="Linux", root=True, programs=frozenset(PROGRAMS), plugins=Path("/usr/lib/cni"))


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        pytest.param(FIT, None, id="fit"),
        pytest.param(replace(FIT, system="Darwin"), "a cluster without Docker needs Linux", id="another system"),
        pytest.param(
            replace(FIT, root=False),
            "a cluster without Docker needs root, for network interfaces and mounts",
            id="not root",
        ),
        pytest.param(
            replace(FIT, programs=FIT.programs - {"ctr", "containerd", "runc"}, plugins=None),
            "a cluster without Docker needs: "
            "apt-get install --no-install-recommends containerd containernetworking-plugins runc",
            id="packages",
        ),
    ],
)
def test_what_lacks_is_one_line(machine: Machine, reason: str | None) -> None:
    assert obstacle(machine) == reason

"""Helm for the tests of the chart: built from its public Go modules (`tests/cluster/helm`) and kept in the cache.

`python tests/support/kube/helm.py` builds it before the tests, since a first build takes minutes, and prints its path.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # a script, while the tests import it from there
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.kube.program import Program, version

SOURCE = Path(__file__).parents[2] / "cluster" / "helm"


def _stamps(helm: str, kubernetes: str) -> list[str]:
    """What Helm's own Makefile stamps: without it, charts that ask for a version of Kubernetes are refused offline."""
    found = ["internal/version.version=" + helm]
    for package in ("pkg/chartutil", "pkg/lint/rules"):
        found += [f"{package}.k8sVersionMajor=1", f"{package}.k8sVersionMinor={kubernetes}"]
    return [f"helm.sh/helm/v3/{stamp}" for stamp in found]


_VERSION = version(SOURCE, r"helm\.sh/helm/v3 (v[0-9.]+)")
HELM = Program(
    "helm",
    f"Helm {_VERSION}",
    SOURCE,
    "helm.sh/helm/v3/cmd/helm",
    "about 2 minutes",
    "python tests/support/kube/helm.py",
    _stamps(_VERSION, version(SOURCE, r"k8s\.io/client-go v0\.([0-9]+)\.")),
)


if __name__ == "__main__":
    HELM.main()

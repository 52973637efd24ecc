"""This tree's chart on a cluster that has its images. A second time it brings the release to the tree as it is now."""

from pathlib import Path

from e2e import auriga_images
from e2e.kubectl import Kubectl
from e2e.release import NAMESPACE, Release
from support.kube import cache
from support.kube.helm import HELM

CHART = Path(__file__).parents[2] / "charts" / "auriga"


def install(kubeconfig: Path, built: auriga_images.Images, report: cache.Report, chart: Path = CHART) -> None:
    """Returns when every pod of the chart is ready. Raises TroubleError or ProgramMissingError."""
    HELM.obtain(report)
    report("installing the chart")
    image, engine = built["auriga"], built["auriga-engine"]
    values = {
        "image": {"repository": f"localhost/{image.name}", "tag": image.tag},
        "operator": {
            "settings": {
                # Also for a Model that asks for a GPU, which the node only claims to have.
                "engineImages": dict.fromkeys(("cpu", "cuda"), engine.reference),
                # llama.cpp's threads wait for each other without sleeping: where cores are busy, two are far slower.
                "engineArgs": ["--threads=1"],
            }
        },
    }
    Release(Kubectl(kubeconfig, NAMESPACE)).upgrade(chart, values)

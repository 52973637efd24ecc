"""This tree on a cluster: its images brought there, its chart installed.

Knows no scenario. A second time it brings a running cluster to the tree as it is now.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from e2e import auriga_images
from e2e.kubectl import Kubectl, TroubleError
from e2e.node import base, images
from e2e.node.layout import Layout
from support.kube import cache, helm

TREE = Path(__file__).parents[2]
CHART = TREE / "charts" / "auriga"
NAMESPACE = "auriga-system"
RELEASE = "auriga"
DEMO = TREE / "examples" / "demo-model" / "demo.gguf"
DEMO_IMAGE = "localhost/auriga-demo-weights:1"
SECONDS = 180


def archives(report: cache.Report) -> tuple[dict[str, auriga_images.Image], list[Path]]:
    """The tree's images, and the archives that a node must have. Raises images.ImageError."""
    built = auriga_images.obtain(report)
    return built, [*(image.archive for image in built.values()), _demo_weights(report)]


def bring(layout: Layout, files: Sequence[Path]) -> None:
    """Imports archives into a node that runs already. Raises TroubleError."""
    for archive in files:
        command = ["ctr", f"--address={layout.socket}", "--namespace=k8s.io", "images", "import", str(archive)]
        _run("ctr images import", command)


def install(kubectl: Kubectl, built: dict[str, auriga_images.Image], report: cache.Report, chart: Path = CHART) -> None:
    """Returns when every pod of the chart is ready. Raises TroubleError or helm.HelmMissingError."""
    program = helm.obtain(report)
    report("installing the chart")
    image, engine = built["auriga"], built["auriga-engine"]
    values = {
        "image.repository": f"localhost/{image.name}",
        "image.tag": image.tag,
        # Also for a Model that asks for a GPU, which this node only claims to have.
        **{f"operator.settings.engineImages.{kind}": engine.reference for kind in ("cpu", "cuda")},
    }
    command = [str(program), f"--kubeconfig={kubectl.kubeconfig}", "upgrade", RELEASE, str(chart), "--install"]
    command += [f"--namespace={NAMESPACE}", "--create-namespace", "--wait", f"--timeout={SECONDS}s"]
    _run("helm upgrade", [*command, *(f"--set-string={name}={value}" for name, value in values.items())])


def _demo_weights(report: cache.Report) -> Path:
    """The archive of DEMO_IMAGE. Its tag never changes, because the scenarios' YAML names it."""
    python = base.obtain(report)
    dockerfile = Path(__file__).parent / "weights" / "Dockerfile"
    digest = hashlib.sha256(python.encode() + dockerfile.read_bytes() + DEMO.read_bytes()).hexdigest()[:12]
    archive = cache.root() / "auriga-images" / f"demo-weights@{digest}.tar"
    with cache.locked(report):
        if not archive.exists():
            report(f"building {DEMO_IMAGE}")
            images.build(DEMO_IMAGE, archive, DEMO.parent, dockerfile, {"BASE": python})
        for other in archive.parent.glob("demo-weights@*.tar"):
            if other != archive:
                other.unlink()
    return archive


def _run(what: str, command: list[str]) -> None:
    process = subprocess.run(command, text=True, capture_output=True, check=False, timeout=SECONDS + 60)
    if process.returncode:
        last = "\n".join((process.stdout + process.stderr).splitlines()[-15:])
        raise TroubleError(f"{what} failed:\n{last}")

"""The cluster of `e2e.node`: this machine itself, as root, without a container engine."""

import subprocess
from pathlib import Path

from e2e import auriga_images
from e2e.kubectl import TroubleError
from e2e.node import packages, programs, requirements, supervisor
from e2e.node.layout import Layout
from support.kube import cache
from support.kube.binaries import NODE
from support.kube.provide import obtain

DIRECTORY = cache.root().parent / "cluster"
POD_LOGS = Layout(DIRECTORY).pod_logs


def obstacle() -> str | None:
    """Why this machine cannot be one, in a line, or None. What apt can install is no obstacle to `provide`."""
    return requirements.obstacle(requirements.look())


def provide(report: cache.Report) -> None:
    """Installs system packages that lack. Raises UnfitError."""
    packages.provide(report)


def kubeconfig() -> Path | None:
    """The kubeconfig of the node that runs, if one does."""
    ready = Layout(DIRECTORY).ready
    return Path(ready.read_text()) if supervisor.running(DIRECTORY) and ready.exists() else None


def up(report: cache.Report) -> tuple[Path, auriga_images.Images]:
    """The kubeconfig of the node with this tree's images on it. Raises those of e2e.node's EXPECTED, TroubleError."""
    requirements.require()
    obtain(NODE, report)
    basics = programs.obtain(report)
    built = auriga_images.obtain(report)
    archives = [image.archive for image in built.values()]
    if (found := kubeconfig()) is not None:
        for archive in archives:
            on_node(
                "ctr", f"--address={Layout(DIRECTORY).socket}", "--namespace=k8s.io", "images", "import", str(archive)
            )
        return found, built
    report("starting the node")
    return supervisor.up(DIRECTORY, [*sorted(basics.glob("*.tar")), *archives]), built


def down() -> None:
    """Leaves nothing behind, also of a node that was killed."""
    supervisor.down(DIRECTORY)


def stop_api_server() -> None:
    """Everything else runs on."""
    supervisor.stop_api_server(DIRECTORY)


def start_api_server() -> None:
    """At the address it had."""
    supervisor.start_api_server(DIRECTORY)


def on_node(*command: str) -> str:
    """What the command says. Raises TroubleError."""
    process = subprocess.run(command, text=True, capture_output=True, check=False)
    if process.returncode:
        raise TroubleError(f"{command[0]}: {process.stderr.strip()}")
    return process.stdout

"""A cluster of kind, for machines with Docker: its node is a container, so that nothing needs root on the machine."""

import shutil
import subprocess
from pathlib import Path

from e2e import auriga_images
from e2e.kubectl import KUBECTL, TroubleError
from support.kube import cache
from support.kube.provide import obtain

CONFIG = Path(__file__).parents[2] / "kind-config.yaml"
NAME = "auriga"  # as in CONFIG
NODE = f"{NAME}-control-plane"
POD_LOGS = Path("/var/log/pods")
BASE = "python:3.13-slim"
MANIFEST, ASIDE = "/etc/kubernetes/manifests/kube-apiserver.yaml", "/root/kube-apiserver.yaml"
SECONDS = 900


def obstacle() -> str | None:
    """Why this machine cannot have one, in a line, or None."""
    for program in ("docker", "kind"):
        if shutil.which(program) is None:
            return f"a cluster of kind needs Docker and kind, and there is no {program} on PATH"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return "a cluster of kind needs a Docker engine that answers `docker info`" if asked.returncode else None


def provide(report: cache.Report) -> None:
    """Nothing: Docker and kind are the user's."""


def kubeconfig() -> Path | None:
    """The kubeconfig of the cluster that runs, if one does."""
    if obstacle() is not None or NAME not in _run("kind", "get", "clusters").split():
        return None
    file = cache.root().parent / "kind" / "kubeconfig"
    file.parent.mkdir(parents=True, exist_ok=True)
    _run("kind", "export", "kubeconfig", f"--name={NAME}", f"--kubeconfig={file}")
    return file


def up(report: cache.Report) -> tuple[Path, auriga_images.Images]:
    """The kubeconfig of the cluster with this tree's images on it. Raises TroubleError, BinariesMissingError."""
    obtain(KUBECTL, report)
    if kubeconfig() is None:
        report("starting the cluster of kind")
        _run("kind", "create", "cluster", f"--config={CONFIG}", "--wait=180s")
    built = auriga_images.described(BASE)
    for image in built.values():
        report(f"building {image.reference}")
        build = ("docker", "build", f"--build-arg=BASE={BASE}", f"--tag={image.reference}")
        _run(*build, f"--file={image.dockerfile}", str(image.context))
        _run("kind", "load", "docker-image", f"--name={NAME}", image.reference)
    found = kubeconfig()
    if found is None:
        raise TroubleError(f"kind has made no cluster {NAME}")
    return found, built


def down() -> None:
    """Deletes the cluster, if there is one. Raises TroubleError."""
    if kubeconfig() is not None:
        _run("kind", "delete", "cluster", f"--name={NAME}")


def stop_api_server() -> None:
    """The kubelet ends what has no manifest any more."""
    on_node("mv", MANIFEST, ASIDE)


def start_api_server() -> None:
    """From the manifest that was put aside."""
    on_node("mv", ASIDE, MANIFEST)


def on_node(*command: str) -> str:
    """What the command says, run in the container that is the node. Raises TroubleError."""
    return _run("docker", "exec", NODE, *command)


def _run(*command: str) -> str:
    process = subprocess.run(command, text=True, capture_output=True, check=False, timeout=SECONDS)
    if process.returncode:
        last = "\n".join((process.stdout + process.stderr).splitlines()[-15:])
        raise TroubleError(f"{' '.join(command[:2])} failed:\n{last}")
    return process.stdout

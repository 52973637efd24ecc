"""Downloads a published control plane: what kubebuilder's setup-envtest fetches, and the controller manager beside it.

The release index is setup-envtest's own (https://book.kubebuilder.io/reference/envtest.html); it names a sha512 for
each archive of etcd, kube-apiserver and kubectl. The controller manager is no part of those and comes from Kubernetes'
own releases, with the sha256 stated there (https://kubernetes.io/releases/download/), for Linux only.
"""

import hashlib
import io
import platform
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import yaml

from support.kube.build import kubernetes_version
from support.kube.go import WayError

INDEX = "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
RELEASES = "https://dl.k8s.io"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def download(folder: Path, report: Callable[[str], None]) -> None:
    """Puts etcd, kube-apiserver, kubectl and kube-controller-manager into `folder`. Raises WayError."""
    system, machine = platform.system().lower(), MACHINES.get(platform.machine(), platform.machine())
    try:
        with httpx.Client(follow_redirects=True, timeout=60) as client:
            index = yaml.safe_load(_get(client, INDEX))
            version, archive = choose(index, kubernetes_version(), f"{system}-{machine}")
            report(f"downloading Kubernetes {version}")
            _unpack(_get(client, archive["selfLink"], sha512=archive["hash"]), folder)
            manager = f"{RELEASES}/{version}/bin/{system}/{machine}/kube-controller-manager"
            expected = _get(client, manager + ".sha256").decode().split()[0]
            _write(folder / "kube-controller-manager", _get(client, manager, sha256=expected))
    except httpx.HTTPError as error:
        raise WayError(f"{error.request.url.host}: {error or type(error).__name__}") from error


def choose(index: Any, wanted: str, target: str) -> tuple[str, dict[str, str]]:
    """The newest release of the wanted version's minor for `target` (such as linux-amd64), as (version, index entry).

    Not every patch is published there. Raises WayError where there is none.
    """
    minor = wanted.rpartition(".")[0]
    found = {
        tuple(int(part) for part in version.removeprefix("v").split(".")): (version, archives[name])
        for version, archives in index["releases"].items()
        if version.rpartition(".")[0] == minor and (name := f"envtest-{version}-{target}.tar.gz") in archives
    }
    if not found:
        raise WayError(f"no Kubernetes {minor} is published for {target}")
    return found[max(found)]


def _get(client: httpx.Client, url: str, **digests: str) -> bytes:
    content = client.get(url).raise_for_status().content
    for algorithm, expected in digests.items():
        if hashlib.new(algorithm, content).hexdigest() != expected:
            raise WayError(f"{url} has another {algorithm} than its publisher states")
    return content


def _unpack(archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            content = members.extractfile(member)
            if content is not None:
                _write(folder / PurePosixPath(member.name).name, content.read())


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)

"""Container images without a container engine: buildah, as root, in a chroot.

An image is kept as an uncompressed archive, because importing that is quickest and it never travels.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.kube import cache

CERTIFICATES = Path("/etc/ssl/certs")


class ImageError(Exception):
    """A build failed; the message ends with the last lines of buildah's output."""


def build(tag: str, archive: Path, context: Path, dockerfile: Path, arguments: Mapping[str, str] | None = None) -> None:
    """Builds `dockerfile` in the folder `context` and writes the image to `archive`.

    tag: `localhost/NAME:TAG`, with another TAG than latest, since a kubelet would want to pull that. arguments: of the
    build, such as BASE. Layers are kept from one build to the next; RUN has the machine's network and its trusted
    certificates, which do not enter the image. Raises ImageError.
    """
    options = [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
    trust = [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.exists() else []
    _buildah("bud", "--isolation=chroot", "--layers", f"--tag={tag}", f"--file={dockerfile}", *trust, *options, context)
    save(tag, archive)


def from_scratch(tag: str, context: Path, lines: Sequence[str]) -> None:
    """Makes an image of nothing but files of `context`; `lines` are those of a Dockerfile after its FROM."""
    dockerfile = "\n".join(["FROM scratch", *lines])
    _buildah("bud", "--isolation=chroot", f"--tag={tag}", "--file=-", context, stdin=dockerfile)


def save(tag: str, archive: Path) -> None:
    """Writes an image to a file, which appears in one step."""
    partial = archive.with_name(f"{archive.name}.partial")
    partial.unlink(missing_ok=True)
    _buildah("push", "--quiet", tag, f"docker-archive:{partial}:{tag}")
    partial.rename(archive)


def exists(tag: str) -> bool:
    """Whether buildah's own store has the image."""
    return _run("inspect", "--type=image", tag).returncode == 0


def clear() -> None:
    """Removes what builds that were killed have left mounted. Raises ImageError."""
    if (cache.root() / "buildah").exists():
        _buildah("rm", "--all")


def _buildah(*arguments: str | Path, stdin: str = "") -> None:
    process = _run(*arguments, stdin=stdin)
    if process.returncode:
        last = "\n".join(process.stdout.splitlines()[-15:])
        raise ImageError(f"buildah {arguments[0]} failed:\n{last}")


def _run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    store = cache.root() / "buildah"
    command = ["buildah", f"--root={store / 'layers'}", f"--runroot={store / 'run'}", "--storage-driver=overlay"]
    return subprocess.run(
        [*command, *arguments],
        input=stdin,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )

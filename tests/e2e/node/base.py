"""A base image with Python where no registry can be reached: Debian's own, laid out like the official images.

The Dockerfile that ships takes its base as an argument, so that the very same file is built here and elsewhere.
"""

import shutil
import subprocess
from pathlib import Path

from e2e.node import images
from e2e.node.images import ImageError
from support.kube import cache

SUITE = "trixie"  # Python 3.13
PACKAGES = ("ca-certificates", "python3", "python3-venv")
UNNEEDED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)


LINES = (
    "COPY . /",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8",
    'CMD ["python3"]',
)


def obtain(report: cache.Report) -> str:
    """The tag of an image in buildah's store with `python` and `pip`; 1-2 minutes the first time. Raises ImageError."""
    folder = cache.entry(f"python-{SUITE}", [Path(__file__)])
    with cache.locked(report):
        if not folder.exists():
            report(f"making a base image with Python from Debian {SUITE}: 1-2 minutes, once")
            cache.fill(folder, _bootstrap)
        tag = f"localhost/{folder.name}:1"
        if not images.exists(tag):
            images.from_scratch(tag, folder, LINES)
    return tag


def _bootstrap(folder: Path) -> None:
    _run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(folder))
    # As a virtual environment, /usr/local has `python`, `pip` and lib/python3.X/site-packages where the official images
    # have them. Debian's own Python would install into dist-packages of /usr/local/local.
    _run("chroot", str(folder), "python3", "-m", "venv", "/usr/local")
    for path in UNNEEDED:
        shutil.rmtree(folder / path, ignore_errors=True)
    for compiled in list(folder.rglob("__pycache__")):
        shutil.rmtree(compiled)


def _run(*command: str) -> None:
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if process.returncode:
        last = "\n".join(process.stdout.splitlines()[-10:])
        raise ImageError(f"{command[0]} failed:\n{last}")

"""This tree's own images, built without a container engine by the Dockerfiles that ship.

`PYTHONPATH=tests python -m e2e.auriga_images` prints a line for each: its tag and its archive, for `e2e.node up`.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from e2e.node import base, images
from support.kube import cache

TREE = Path(__file__).parents[2]
CONTEXT = ("crds/auriga_api", "operator/auriga_operator", "router/auriga_router", "cli/auriga_cli")
FILES = ("pyproject.toml", "README.md", "LICENSE", ".dockerignore")
DOCKERFILES = {"auriga": "Dockerfile", "auriga-engine": "images/engine/Dockerfile"}
LOCKS = {"auriga": ("build", "operator"), "auriga-engine": ("build", "local")}


@dataclass(frozen=True, slots=True)
class Image:
    """An image of this tree. `tag` changes with whatever it is made of, so that nobody runs an older one by mistake."""

    name: str
    tag: str
    archive: Path

    @property
    def reference(self) -> str:
        """As a pod names it."""
        return f"localhost/{self.name}:{self.tag}"


def obtain(report: cache.Report) -> dict[str, Image]:
    """Both images by name, built where need be: a minute the first time, seconds later. Raises images.ImageError."""
    python = base.obtain(report)
    folder = cache.root() / "auriga-images"
    folder.mkdir(exist_ok=True)
    found = {name: _image(name, python, folder) for name in DOCKERFILES}
    with cache.locked(report):
        for image in found.values():
            if not image.archive.exists():
                report(f"building {image.reference}")
                arguments = {"BASE": python}
                images.build(image.reference, image.archive, TREE, TREE / DOCKERFILES[image.name], arguments)
            for other in folder.glob(f"{image.name}@*.tar"):
                if other != image.archive:
                    other.unlink()
    return found


def _image(name: str, python: str, folder: Path) -> Image:
    sources = [path for root in CONTEXT for path in (TREE / root).rglob("*") if _enters(path)]
    sources += [TREE / file for file in (*FILES, DOCKERFILES[name])]
    sources += [TREE / "requirements" / f"{lock}.txt" for lock in LOCKS[name]]
    digest = hashlib.sha256(python.encode())
    for path in sorted(sources):
        digest.update(f"\0{path.relative_to(TREE)}\0".encode() + path.read_bytes())
    tag = digest.hexdigest()[:12]
    return Image(name, tag, folder / f"{name}@{tag}.tar")


def _enters(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def main() -> int:
    """Builds both. Exit status 1 after the end of the log of a build that failed."""
    try:
        for image in obtain(lambda line: print(line, file=sys.stderr, flush=True)).values():
            print(image.reference, image.archive)
    except images.ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""This tree's own images, built without a container engine by the Dockerfiles that ship.

`PYTHONPATH=tests python -m e2e.auriga_images` prints a line for each: its tag and its archive, for `e2e.node up`.
"""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from e2e.node import base, images
from support.kube import cache

TREE = Path(__file__).parents[2]
CONTEXT = ("crds/auriga_api", "operator/auriga_operator", "router/auriga_router", "cli/auriga_cli")
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".dockerignore")
DOCKERFILES = {"auriga": "Dockerfile", "auriga-engine": "images/engine/Dockerfile"}
LOCKS = {"auriga": ("compile", "operator"), "auriga-engine": ("build", "local")}
DEMO = TREE / "examples" / "demo-model" / "demo.gguf"
DEMO_DOCKERFILE = Path(__file__).parent / "weights" / "Dockerfile"
DEMO_WEIGHTS = "auriga-demo-weights"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of this tree. `archive` is another file as soon as anything that it is made of has changed."""

    name: str
    tag: str
    archive: Path
    dockerfile: Path
    context: Path

    @property
    def reference(self) -> str:
        """As a pod names it."""
        return f"localhost/{self.name}:{self.tag}"


Images = dict[str, Image]


def described(python: str) -> Images:
    """All of them by name, on that base image; nothing is built."""
    found = {name: _image(name, python) for name in DOCKERFILES}
    demo = _digest(python, [DEMO_DOCKERFILE, DEMO])
    # Its tag never changes, because the scenarios' YAML names it.
    found[DEMO_WEIGHTS] = Image(DEMO_WEIGHTS, "1", _archive(DEMO_WEIGHTS, demo), DEMO_DOCKERFILE, DEMO.parent)
    return found


def obtain(report: cache.Report) -> Images:
    """All of them, built where need be: a minute the first time, seconds later. Raises images.ImageError."""
    python = base.obtain(report)
    found = described(python)
    with cache.locked(report):
        for image in found.values():
            image.archive.parent.mkdir(exist_ok=True)
            if not image.archive.exists():
                report(f"building {image.reference}")
                images.build(image.reference, image.archive, image.context, image.dockerfile, {"BASE": python})
            for other in image.archive.parent.glob(f"{image.name}@*.tar"):
                if other != image.archive:
                    other.unlink()
    return found


def _image(name: str, python: str) -> Image:
    """Its tag changes with whatever it is made of, so that nobody runs an older one by mistake."""
    sources = [path for root in CONTEXT for path in (TREE / root).rglob("*") if _enters(path)]
    sources += [TREE / file for file in (*FILES, DOCKERFILES[name])]
    sources += [TREE / "requirements" / f"{lock}.txt" for lock in LOCKS[name]]
    tag = _digest(python, sources)
    return Image(name, tag, _archive(name, tag), TREE / DOCKERFILES[name], TREE)


def _archive(name: str, digest: str) -> Path:
    return cache.root() / "auriga-images" / f"{name}@{digest}.tar"


def _digest(python: str, sources: Iterable[Path]) -> str:
    digest = hashlib.sha256(python.encode())
    for path in sorted(sources):
        digest.update(f"\0{path.relative_to(TREE)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _enters(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def main() -> int:
    """Builds them. Exit status 1 after the end of the log of a build that failed."""
    try:
        for image in obtain(lambda line: print(line, file=sys.stderr, flush=True)).values():
            print(image.reference, image.archive)
    except images.ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

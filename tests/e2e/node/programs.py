"""The images that every cluster has, a pod's pause and the DNS server, built from Go and kept in the cache."""

from functools import partial
from pathlib import Path

from e2e.node import images
from e2e.node.layout import DNS_IMAGE, PAUSE_IMAGE
from support.kube import cache, go

SOURCE = Path(__file__).parent / "go"


def obtain(report: cache.Report) -> Path:
    """The folder with both image archives; 2 minutes the first time. Raises go.WayError or images.ImageError."""
    sources = [path for path in SOURCE.rglob("*") if path.is_file()]
    folder = cache.entry("node-images", sources)
    if not folder.exists():
        with cache.locked(report):
            if not folder.exists():
                cache.fill(folder, partial(_make, report=report))
    return folder


def _make(folder: Path, report: cache.Report) -> None:
    report("building the cluster's DNS server from its Go modules: about 2 minutes, once")
    go.build(SOURCE, folder, report, packages="./...", flags=[f"-ldflags={go.STRIPPED}"])
    _image(PAUSE_IMAGE, folder / "pause", user="65535:65535")
    _image(DNS_IMAGE, folder / "coredns", user="0:0")


def _image(tag: str, program: Path, user: str) -> None:
    """Puts a static program alone into an image, and the archive in the program's place."""
    lines = [f"COPY {program.name} /{program.name}", f"USER {user}", f'ENTRYPOINT ["/{program.name}"]']
    images.from_scratch(tag, program.parent, lines)
    images.save(tag, program.with_suffix(".tar"))
    program.unlink()

"""The folder of finished programs and images: `$AURIGA_CACHE/kube`, or `~/.cache/auriga/kube`.

Each entry is named after what it was made from, so that an older checkout keeps working, and appears in one step.
"""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

Report = Callable[[str], None]


def root() -> Path:
    """Where entries lie."""
    named = os.environ.get("AURIGA_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "auriga") / "kube"


def entry(name: str, sources: Iterable[Path], recipe: str = "") -> Path:
    """Where what is made from `sources` by `recipe` for this kind of machine lies, or will lie."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()}{recipe}".encode())
    for file in sorted(sources):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return root() / f"{name}-{digest.hexdigest()[:16]}"


@contextmanager
def locked(report: Report) -> Iterator[None]:
    """Only one process at a time makes entries; whoever comes second is told, and waits."""
    root().mkdir(parents=True, exist_ok=True)
    lock = FileLock(root() / "lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report("another process is making the Kubernetes programs; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def fill(final: Path, make: Callable[[Path], None]) -> None:
    """`make` writes into a folder that becomes `final` when it has returned. Call it inside `locked`."""
    partial = final.with_name(final.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir(parents=True)
    try:
        make(partial)
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)

"""Where a hub's files lie: the hub cache layout that every Hugging Face tool uses, in a cache of our own.

    <cache>/hub/models--<owner>--<name>/blobs/<sha256>                 the content, under its own hash
                                       /blobs/<sha256>.incomplete      on its way
                                       /snapshots/<commit>/<file>      link to a blob
                                       /refs/<branch or tag>           a commit
    <cache>/hub/.locks/models--<owner>--<name>/<sha256>.lock

So ``HF_HUB_CACHE=<cache>/hub`` shares it with other tools, and what such a tool left in the user's usual cache is used
in place instead of being downloaded again. We only ever read there.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.file_download import REGEX_COMMIT_HASH, REGEX_SHA256, repo_folder_name

from auriga_operator.weights.choose import RepoFile


@dataclass(frozen=True, slots=True)
class HubCache:
    """One cache folder in that layout."""

    root: Path

    def folder(self, repo: str) -> Path:
        return self.root / repo_folder_name(repo_id=repo, repo_type="model")

    def snapshot(self, repo: str, commit: str, path: str) -> Path:
        return self.folder(repo) / "snapshots" / commit / path

    def blob(self, repo: str, name: str) -> Path:
        return self.folder(repo) / "blobs" / name

    def partial(self, repo: str, name: str) -> Path:
        return self.folder(repo) / "blobs" / f"{name}.incomplete"

    def lock(self, repo: str, name: str) -> Path:
        return self.root / ".locks" / repo_folder_name(repo_id=repo, repo_type="model") / f"{name}.lock"

    def commit(self, repo: str, revision: str) -> str:
        """The commit that ``revision`` was when the cache last heard of it; empty if it never did."""
        if REGEX_COMMIT_HASH.fullmatch(revision):
            return revision
        ref = self.folder(repo) / "refs" / revision
        return ref.read_text().strip() if ref.is_file() else ""

    def remember_commit(self, repo: str, revision: str, commit: str) -> None:
        """Best effort: a cache may be read-only, and then still serves what it has."""
        if self.commit(repo, revision) == commit:
            return
        ref = self.folder(repo) / "refs" / revision
        with contextlib.suppress(OSError):
            ref.parent.mkdir(parents=True, exist_ok=True)
            temporary = ref.with_name(f"{ref.name}.{os.getpid()}.tmp")
            temporary.write_text(commit)
            temporary.replace(ref)

    def files(self, repo: str, commit: str) -> tuple[RepoFile, ...]:
        """The GGUF files of ``commit`` that are here whole."""
        root = self.folder(repo) / "snapshots" / commit
        found = (path for path in sorted(root.rglob("*")) if path.suffix.lower() == ".gguf" and path.is_file())
        return tuple(_described(path, path.relative_to(root).as_posix()) for path in found)

    def find(self, repo: str, commit: str, file: RepoFile) -> Path | None:
        """The content of ``file`` here, by snapshot or by hash (another commit may hold the same one)."""
        for path in (self.snapshot(repo, commit, file.path), self.blob(repo, file.sha256 or file.git_sha1)):
            if path.is_file() and path.stat().st_size == file.size:
                return path
        return None

    def discard(self, path: Path) -> None:
        """Remove content that proved wrong; of what lies in another cache only our link to it."""
        content = path.resolve()
        path.unlink(missing_ok=True)
        if content.is_relative_to(self.root.resolve()):
            content.unlink(missing_ok=True)

    def link(self, repo: str, commit: str, file: RepoFile, content: Path) -> Path:
        """Make the snapshot's entry for ``file`` lead to ``content``, and give its path."""
        entry = self.snapshot(repo, commit, file.path)
        if content == entry:
            return entry
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.unlink(missing_ok=True)
        try:
            entry.symlink_to(_target(content, entry))
        except OSError:
            # No symbolic links here (SMB, some object stores): the file itself moves, or, if it is not ours, is linked.
            if content.is_relative_to(self.root):
                content.replace(entry)
            else:
                os.link(content, entry)
        return entry


def _target(content: Path, entry: Path) -> str:
    """Relative inside one cache, which may be mounted elsewhere tomorrow."""
    inside = content.parent.name == "blobs" and entry.is_relative_to(content.parent.parent)
    return os.path.relpath(content, entry.parent) if inside else str(content.resolve())


def _described(path: Path, name: str) -> RepoFile:
    content = path.resolve().name
    sha256 = content if REGEX_SHA256.fullmatch(content) else ""
    git_sha1 = content if REGEX_COMMIT_HASH.fullmatch(content) else ""
    return RepoFile(path=name, size=path.stat().st_size, sha256=sha256, git_sha1=git_sha1)

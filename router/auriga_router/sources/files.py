"""Manifest files as a source: read once, then again on every change. Routing knows nothing of files.

A file that does not read well keeps the last good objects it held; what is wrong with it is told beside them.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from watchfiles import Change, awatch

from auriga_api import Model, RoleChain
from auriga_api.manifests import Manifests, Problem, parse
from auriga_api.model import ModelStatus
from auriga_router.snapshot import Snapshot

_T = TypeVar("_T", Model, RoleChain)
_SUFFIXES = (".yaml", ".yml", ".json")
_DEBOUNCE_MS = 200
_LOOK_AGAIN_MS = 1000
"""Look again even without a notice: network file systems give none."""
_NO_STATUSES: Mapping[str, ModelStatus] = MappingProxyType({})
_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def snapshot(
    manifests: Manifests,
    endpoints: Mapping[str, tuple[str, ...]],
    statuses: Mapping[str, ModelStatus] = _NO_STATUSES,
    terminating: Mapping[str, tuple[str, ...]] = _NONE,
) -> Snapshot:
    """What the router routes by: the manifests, with what is known of what runs. Pure. Keys are ``namespace/name``."""
    models = {
        key: model.model_copy(update={"status": statuses[key]}) if key in statuses else model
        for key, model in manifests.models.items()
    }
    secrets = {key: MappingProxyType(secret.values()) for key, secret in manifests.secrets.items()}
    return Snapshot(
        models=MappingProxyType(models),
        chains=manifests.chains,
        secrets=MappingProxyType(secrets),
        endpoints=MappingProxyType(dict(endpoints)),
        terminating=MappingProxyType(dict(terminating)),
    )


class FileSource:
    """Manifests from files and from the directories' own ``.yaml``, ``.yml`` and ``.json`` files."""

    def __init__(self, paths: Sequence[Path], namespace: str = "default") -> None:
        self._paths = tuple(paths)
        self._names = frozenset(path.name for path in paths)
        self._namespace = namespace
        self._texts: Mapping[str, str] = {}
        self._unreadable: tuple[Problem, ...] = ()
        self._good: dict[str, str] = {}
        """File name -> its last text without an error."""
        self._last = parse({})

    def load(self) -> Manifests:
        """Everything as it is now. Never raises: what cannot be read is a problem in the result."""
        self._texts, self._unreadable = _read(self._paths)
        return self._interpret()

    async def changes(self) -> AsyncIterator[Manifests]:
        """The manifests after each change of a file, beginning with changes since ``load``."""
        directories = {path if path.is_dir() else path.parent for path in self._paths}
        watched = awatch(
            *directories, watch_filter=self._concerned, recursive=False,
            debounce=_DEBOUNCE_MS, rust_timeout=_LOOK_AGAIN_MS, yield_on_timeout=True,
        )  # fmt: skip
        async for _ in watched:
            texts, unreadable = await asyncio.to_thread(_read, self._paths)
            if (texts, unreadable) != (self._texts, self._unreadable):
                self._texts, self._unreadable = texts, unreadable
                yield await asyncio.to_thread(self._interpret)

    def _concerned(self, _: Change, name: str) -> bool:
        """May manifests have changed? Other files, a log for instance, may lie in the same folder."""
        path = Path(name)
        # A mounted ConfigMap changes as a whole, by a link that is named `..data`.
        return path.suffix in _SUFFIXES or path.name.startswith("..") or path.name in self._names

    def _interpret(self) -> Manifests:
        read = parse(self._texts, self._namespace)
        unreadable = (problem for problem in self._unreadable if problem.severity == "error")
        broken = {problem.file for problem in (*read.errors, *unreadable)}
        # A folder that is gone is broken with all that it held: it may be mounted again in a moment.
        broken |= {file for file in self._good if str(Path(file).parent) in broken}
        for file in self._good.keys() - self._texts.keys() - broken:
            del self._good[file]
        self._good.update({file: text for file, text in self._texts.items() if file not in broken})
        problems = [*self._unreadable, *read.problems]
        if broken & self._good.keys():
            read = parse({file: self._good[file] for file in sorted(self._good)}, self._namespace)
            problems += [problem for problem in read.problems if problem not in problems]
        self._last = replace(
            read,
            models=_kept(read.models, self._last.models),
            chains=_kept(read.chains, self._last.chains),
            problems=tuple(problems),
        )
        return self._last


def _kept(now: Mapping[str, _T], before: Mapping[str, _T]) -> Mapping[str, _T]:
    """What is equal stays the very object that it was: the router compiles only what is another one."""
    return MappingProxyType({key: before[key] if before.get(key) == item else item for key, item in now.items()})


def _read(paths: Sequence[Path]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        files = _files(path)
        if path.is_dir() and not files:
            text = (
                f"holds no manifests: files that end in {', '.join(_SUFFIXES)} (those in folders below it are not read)"
            )
            problems.append(Problem(str(path), 0, "", text, "warning"))
        for file in files:
            try:
                if _may_block(file):
                    problems.append(_skipped(file, named=file == path))
                else:
                    texts[str(file)] = file.read_text(encoding="utf-8")
            except FileNotFoundError:
                problems.append(Problem(str(file), 0, "", "no such file"))
            except OSError as error:
                problems.append(Problem(str(file), 0, "", f"cannot be read: {error.strerror}"))
            except UnicodeDecodeError:
                problems.append(Problem(str(file), 0, "", "is not UTF-8 text"))
    return texts, tuple(problems)


def _may_block(file: Path) -> bool:
    """A FIFO, for one, would keep whoever reads it for ever, and with it the end of the process. Raises OSError."""
    mode = file.stat().st_mode
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _skipped(file: Path, *, named: bool) -> Problem:
    text = "is not a regular file: it is not read"
    return Problem(str(file), 0, "", text) if named else Problem(str(file), 0, "", text, "warning")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith("."))

"""A program of the tests that is built from its public Go module, once, and kept in the cache."""

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.kube import cache, go


class ProgramMissingError(Exception):
    """There is no such program and no way to build it; the message is one line."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program, and how it is made."""

    name: str
    title: str
    """As people call it, with its version."""
    source: Path
    """The folder with go.mod and go.sum."""
    package: str
    duration: str
    """How long building takes, for people."""
    command: str
    """What builds it before the tests, for messages."""
    stamps: Sequence[str] = ()
    """``PACKAGE.NAME=VALUE``: what the linker writes into it."""

    def find(self) -> Path:
        """The one that was built, else the one on PATH. Builds nothing. Raises ProgramMissingError."""
        built, installed = self._entry() / self.name, shutil.which(self.name)
        if built.exists():
            return built
        if installed is None:
            looked = f"nothing in cache {built.parent}; none on PATH; `{self.command}` builds it"
            raise ProgramMissingError(f"no {self.title}: {looked}")
        return Path(installed)

    def obtain(self, report: cache.Report) -> Path:
        """It, built where need be, with lines of progress. Raises ProgramMissingError."""
        if shutil.which("go") is None:
            return self.find()
        with cache.locked(report):
            if not self._entry().exists():
                try:
                    cache.fill(self._entry(), partial(self._build, report=report))
                except go.WayError as failure:
                    raise ProgramMissingError(f"no {self.title}: {failure}") from None
        return self.find()

    def main(self) -> None:
        """Makes sure that it is there, and prints where; progress and what is wrong go to stderr."""
        try:
            print(self.obtain(report=lambda line: print(line, file=sys.stderr, flush=True)))
        except ProgramMissingError as missing:
            sys.exit(f"error: {missing}")

    def _build(self, folder: Path, report: cache.Report) -> None:
        report(f"building {self.title} from its Go modules: {self.duration}, once")
        go.build(self.source, folder / self.name, report, packages=self.package, flags=self._flags())

    def _flags(self) -> list[str]:
        return [f"-ldflags={' '.join([go.STRIPPED, *(f'-X {stamp}' for stamp in self.stamps)])}"]

    def _entry(self) -> Path:
        """Named after the recipe, not after the text of the file that holds it: an edit there builds nothing anew."""
        recipe = "\0".join((self.package, *self._flags()))
        return cache.entry(self.name, [self.source / "go.mod", self.source / "go.sum"], recipe)


def version(source: Path, pattern: str) -> str:
    """A version that ``source``'s go.mod names."""
    match = re.search(rf"^\s*(?:require )?{pattern}", (source / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise LookupError(f"nothing in {source / 'go.mod'} matches {pattern}")
    return match[1]

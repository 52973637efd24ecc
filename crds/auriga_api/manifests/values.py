"""What reading manifests gives: objects, where they came from, and what is wrong. Knows nothing of YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from auriga_api.manifests.documents import Document
from auriga_api.model import Model
from auriga_api.rolechain import RoleChain
from auriga_api.secret import Secret

Object = Model | RoleChain | Secret


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file, and what to do about it: one line, whatever the file holds."""

    file: str
    line: int
    """0: it is about the whole file."""
    subject: str
    """``Model default/qwen``; empty when the text is no object."""
    message: str
    severity: Literal["error", "warning"] = "error"

    def __post_init__(self) -> None:
        for name in ("subject", "message"):
            object.__setattr__(self, name, _one_line(getattr(self, name)))

    @property
    def place(self) -> str:
        """``file:line``, of which terminals and editors make a link."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        subject = f"{self.subject}: " if self.subject else ""
        return f"{self.place}: {subject}{self.message}"


def _one_line(text: str) -> str:
    """Names and values come from the file: without control characters they can neither forge a line nor colour it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object was read."""

    file: str
    line: int
    document: Document = field(repr=False, compare=False)

    def at(self, *path: str | int) -> int:
        """The line of a field of the object: ``origin.at("spec", "members", 0)``."""
        return self.document.line(path)


@dataclass(frozen=True, slots=True)
class Manifests:
    """The good objects of some files, by ``namespace/name``, and all that is wrong with the others."""

    models: Mapping[str, Model] = field(default_factory=lambda: MappingProxyType({}))
    chains: Mapping[str, RoleChain] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=lambda: MappingProxyType({}))
    """(kind, ``namespace/name``) -> where it was read."""
    problems: tuple[Problem, ...] = ()
    drafts: tuple[tuple[Origin, Model | RoleChain], ...] = field(default=(), repr=False)
    """Objects with errors, without the fields that are wrong: for what else there is to say of them."""

    def read(self) -> Iterator[tuple[Origin, Model | RoleChain]]:
        """All Models and RoleChains as far as they could be read, and where."""
        for key, model in self.models.items():
            yield self.origins["Model", key], model
        for key, chain in self.chains.items():
            yield self.origins["RoleChain", key], chain
        yield from self.drafts

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that an API server would refuse the files for."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

"""YAML text to plain values, with the line of every field, and back. Knows nothing of Auriga's kinds.

Values are what kubectl makes of the same text (sigs.k8s.io/yaml, a YAML 1.1 reader), because a file must mean one thing
everywhere: an unquoted ``yes``, ``on`` or ``n`` is a boolean, ``010`` is 8, ``1.0`` is the integer 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a field is: ``("spec", "members", 0, "model")``."""

_DEPTH = 64
_BROKEN_DOCUMENTS = 20
"""Of one text, after which the rest is not looked at: it is something else."""
_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_TAG = re.compile(r"(?:^|[\s\[{,])!")
_TRUE = frozenset(word for base in ("y", "yes", "true", "on") for word in (base, base.capitalize(), base.upper()))
_FALSE = frozenset(word for base in ("n", "no", "false", "off") for word in (base, base.capitalize(), base.upper()))
_ODD = (_TRUE | _FALSE) - {"true", "True", "TRUE", "false", "False", "FALSE"}


@dataclass(frozen=True, slots=True)
class Document:
    """One value of a YAML text."""

    value: Any
    lines: Mapping[Path, int] = field(repr=False)
    root: Path = ()

    def line(self, path: Path = ()) -> int:
        """The 1-based line of the field at ``path``, or of the nearest field around it that is there."""
        whole = self.root + path
        while whole not in self.lines:
            whole = whole[:-1]
        return self.lines[whole]

    def items(self) -> Iterator[Document]:
        """The documents of a ``kind: List``."""
        for index, value in enumerate(self.value["items"]):
            yield Document(value, self.lines, (*self.root, "items", index))


@dataclass(frozen=True, slots=True)
class Fault:
    """Text that is no YAML, or YAML that kubectl would not take as it is meant."""

    line: int
    message: str


def read(text: str) -> tuple[list[Document], list[Fault]]:
    """All documents of a text, but for empty ones and those in which it is no YAML. Never raises."""
    if _TAG.search(text):
        return read_slowly(text)  # the two differ in what they make of a lone !
    try:
        return _quickly(text)
    except (yaml.YAMLError, RecursionError):
        # What is wrong is said in the words of the library's own parser, which are the same everywhere.
        return read_slowly(text)


def _quickly(text: str) -> tuple[list[Document], list[Fault]]:
    """With libyaml where there is one, ten times as fast. Raises what it stumbles over."""
    faults: list[Fault] = []
    documents = list(_documents(text, _QuickLoader, faults))
    return documents, faults


def read_slowly(text: str) -> tuple[list[Document], list[Fault]]:
    """The same without libyaml. Never raises."""
    documents: list[Document] = []
    faults: list[Fault] = []
    rest, start = text, 0
    for _ in range(_BROKEN_DOCUMENTS):
        broken_at = _read_on(rest, documents, faults)
        found = _START.search(text, max(broken_at - len(rest) + len(text), start + 1)) if broken_at >= 0 else None
        if found is None:
            break
        start = found.start()
        # Each line that is left out as an empty one: the lines of the others stay what they are.
        rest = "\n" * len(_BREAK.findall(text, 0, start)) + text[start:]
    return documents, faults


def _read_on(text: str, documents: list[Document], faults: list[Fault]) -> int:
    """Up to the first place where it is no YAML. Gives that place; below zero: there is nothing to read after it."""
    try:
        for document in _documents(text, _Loader, faults):
            documents.append(document)  # noqa: PERF402 - what comes before the broken place counts
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.append(Fault(line, f"the character #x{error.character:04x} may not stand in YAML"))
    except yaml.MarkedYAMLError as error:
        faults.append(_broken(error))
        mark = error.problem_mark or error.context_mark
        return mark.index if mark else -1
    except RecursionError:
        faults.append(Fault(1, "nested too deeply to be read"))
    return -1


def _documents(text: str, loader: type[yaml.SafeLoader], faults: list[Fault]) -> Iterator[Document]:
    budget = _Budget(len(text) + 1000)
    for node in yaml.compose_all(text, Loader=loader):
        builder = _Builder(budget, faults, {(): node.start_mark.line + 1})
        value = builder.value(node, ())
        if value is not None:
            yield Document(value, builder.lines)


def _broken(error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    what = " ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in what:
        what = "a tab cannot indent YAML: use spaces"
    elif isinstance(error, yaml.composer.ComposerError):
        # The library's words repeat the name, which in a Secret without quotes is its value.
        what = "the word after * or & must be one anchor: put a text that begins so in quotes"
    return Fault(mark.line + 1 if mark else 1, f"broken YAML: {what}")


class _Loader(yaml.SafeLoader):
    """PyYAML's parser; the meaning of a plain scalar is decided below."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, which PyYAML's wheels bring."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_TYPED = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
for _loader in (_Loader, _QuickLoader):
    _loader.add_implicit_resolver(_MERGE, re.compile(r"^<<$"), ["<"])
    _loader.add_implicit_resolver(_PLAIN, re.compile(r""), [None])


class _Budget:
    """How many values a text may become: aliases of aliases would grow without end."""

    def __init__(self, values: int) -> None:
        self.values = values

    def spend(self, node: yaml.Node, depth: int) -> None:
        self.values -= 1
        if self.values < 0:
            raise yaml.MarkedYAMLError(problem="its aliases grow too large", problem_mark=node.start_mark)
        if depth > _DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=node.start_mark)


class _Builder:
    """Turns the nodes of one document into values."""

    def __init__(self, budget: _Budget, faults: list[Fault], lines: dict[Path, int]) -> None:
        self.budget = budget
        self.faults = faults
        self.lines = lines

    def value(self, node: yaml.Node, path: Path) -> object:
        self.budget.spend(node, len(path))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _item(self, node: yaml.Node, path: Path) -> object:
        self.lines[path] = node.start_mark.line + 1
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = self._merge(value_node, path) | merged
                continue
            key = self._key(key_node)
            if key in own:
                self._fault(key_node, f"the key {key!r} is there twice: keep one of them")
                continue
            own[key] = None
            self.lines[*path, key] = key_node.start_mark.line + 1
            own[key] = self.value(value_node, (*path, key))
        return merged | own

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        if isinstance(node, yaml.MappingNode):
            self.budget.spend(node, len(path))
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.MappingNode) for item in node.value):
            merged: dict[str, Any] = {}
            for item in node.value:
                merged = self._merge(item, path) | merged
            return merged
        self._fault(node, "<< takes a mapping, or a list of mappings")
        return {}

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fault(node, "a key must be a plain text")
            return ""
        if node.tag == _PLAIN and node.value in _ODD:
            self._fault(node, f'Kubernetes reads the key {node.value} as a boolean: write "{node.value}" in quotes')
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> object:
        if node.tag == _PLAIN or node.tag in _TYPED:
            return resolve(node.value)
        if node.tag in (_TEXT, _MERGE):
            return node.value
        self._fault(node, "its tag (the word after !) is not known: leave it out, or put the text in quotes")
        return node.value

    def _fault(self, node: yaml.Node, message: str) -> None:
        self.faults.append(Fault(node.start_mark.line + 1, message))


_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INT = re.compile(r"[-+]?(0b[01]+|0x[0-9a-fA-F]+|0o?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = {"0b": 2, "0x": 16, "0o": 8}


def resolve(text: str) -> str | int | float | bool | None:
    """What kubectl reads in an unquoted word."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    # A leading digit or sign first: most words are neither number nor constant.
    if text[0] in "+-.0123456789":
        return _number(text)
    return text


def _number(text: str) -> str | int | float:
    plain = text.replace("_", "")
    if _INT.fullmatch(plain) and (integer := _integer(plain)) is not None:
        return integer
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    if not math.isfinite(number):
        return text
    # JSON, which the API server gets, does not tell 1.0 from 1.
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _integer(plain: str) -> int | None:
    """The integer, if Go's 64 bits hold it. A leading 0 means octal."""
    digits = plain.lstrip("+-")
    base = _BASES.get(digits[:2], 8 if digits.startswith("0") else 10)
    if len(digits) > 70:
        return None
    number = int(digits.removeprefix("0o"), base) * (-1 if plain.startswith("-") else 1)
    return number if -(1 << 63) <= number < 1 << 64 else None


class _Dumper(yaml.SafeDumper):
    """Quotes every text that would be read as something else, and writes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = None if resolve(value) == value else "'"
    if not value.replace("\n", "").isprintable():
        style = '"'  # escaped: in single quotes some of these would be line breaks
    return dumper.represent_scalar(_TEXT, value, style=style)


_Dumper.add_representer(str, _text)


def write(values: Iterable[object]) -> str:
    """YAML documents that ``read``, and kubectl, read to the same values."""
    return yaml.dump_all(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

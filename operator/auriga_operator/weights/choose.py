"""Which files of a repository are the weights that the user means. Pure: no hub, no disk."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from auriga_operator.weights import quantization, text
from auriga_operator.weights.errors import Reason, WeightsError

_SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)
# A projector (vision, audio) goes beside weights, and an importance matrix is a by-product of quantizing: no weights.
_NOT_WEIGHTS = re.compile(r"mmproj|imatrix", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RepoFile:
    """One file of a repository. ``size`` in bytes; ``sha256`` is empty when the hub keeps it in plain git."""

    path: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Files that make one model: a single one, or all shards in their order."""

    files: tuple[RepoFile, ...]
    shards: int
    quantization: str

    @property
    def name(self) -> str:
        return self.files[0].path

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the shards that are not there."""
        have = {shard_number(file.path) for file in self.files}
        return tuple(number for number in range(1, self.shards + 1) if number not in have)


def shard_number(path: str) -> int:
    """2 for ``x-00002-of-00003.gguf``, 1 for a file of its own."""
    match = _SHARD.match(path)
    return int(match["number"]) if match else 1


def shard_names(name: str) -> tuple[str, ...]:
    """The names of all shards of the set that ``name`` belongs to; of a file of its own, that name."""
    match = _SHARD.match(name)
    if match is None:
        return (name,)
    return tuple(
        f"{match['stem']}-{number:05}-of-{match['count']}.gguf" for number in range(1, int(match["count"]) + 1)
    )


def choose(files: Sequence[RepoFile], pattern: str, wanted: str, where: str) -> Candidate:
    """The weights among ``files``: those that ``pattern`` names (empty: any), of quantization ``wanted`` (or auto).

    ``where`` names the repository in messages. Raises WeightsError: FileNotFound when the pattern names nothing,
    NoSuitableFile when nothing or more than one model fits; both list what is there.
    """
    candidates = _candidates(files)
    if not candidates:
        raise WeightsError(Reason.NO_SUITABLE_FILE, _no_gguf(files, where))
    if pattern:
        candidates = _named(candidates, pattern, where)
    exact = len(candidates) == 1 and bool(pattern)
    if not exact or wanted.lower() != "auto":
        candidates = _of_quantization(candidates, wanted, where)
    return _only(candidates, where)


def variants(files: Sequence[RepoFile], pattern: str, where: str) -> tuple[Candidate, ...]:
    """The quantizations of one model among ``files`` that ``pattern`` leaves, each whole.

    Raises WeightsError as `choose` does, also when there is more than one model.
    """
    candidates = _candidates(files)
    if not candidates:
        raise WeightsError(Reason.NO_SUITABLE_FILE, _no_gguf(files, where))
    if pattern:
        candidates = _named(candidates, pattern, where)
    by_model: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_model[quantization.without(_model_name(candidate.name).upper())].append(candidate)
    if len(by_model) > 1:
        raise WeightsError(Reason.NO_SUITABLE_FILE, _several(candidates, where))
    whole = tuple(candidate for candidate in candidates if not candidate.missing)
    return whole or (_only(candidates, where),)


def _candidates(files: Iterable[RepoFile]) -> list[Candidate]:
    groups: dict[str, list[RepoFile]] = defaultdict(list)
    for file in files:
        if file.path.lower().endswith(".gguf") and not _NOT_WEIGHTS.search(PurePosixPath(file.path).name):
            groups[shard_names(file.path)[0]].append(file)
    return [
        Candidate(
            files=tuple(sorted(group, key=lambda file: shard_number(file.path))),
            shards=len(shard_names(first)),
            quantization=quantization.of_file(first),
        )
        for first, group in sorted(groups.items())
    ]


def _named(candidates: list[Candidate], pattern: str, where: str) -> list[Candidate]:
    exact = [candidate for candidate in candidates if any(file.path == pattern for file in candidate.files)]
    if exact:
        return exact
    if _NOT_WEIGHTS.search(pattern):
        raise WeightsError(
            Reason.NO_SUITABLE_FILE,
            f"{pattern} is no weights but goes beside them; set source.huggingFace.file to one of {where}: "
            f"{_listing(candidates)}",
        )
    matching = [candidate for candidate in candidates if any(_fits(file.path, pattern) for file in candidate.files)]
    if not matching:
        raise WeightsError(
            Reason.FILE_NOT_FOUND,
            f"no GGUF file of {where} is named {pattern}; set source.huggingFace.file to one that is there: "
            f"{_listing(candidates)}",
        )
    return matching


def _fits(path: str, pattern: str) -> bool:
    path, pattern = path.lower(), pattern.lower()
    return fnmatchcase(path, pattern) or fnmatchcase(PurePosixPath(path).name, pattern)


def _of_quantization(candidates: list[Candidate], wanted: str, where: str) -> list[Candidate]:
    if wanted.lower() == "auto":
        usable = [candidate for candidate in candidates if not candidate.missing] or candidates
        best = min(quantization.preference(candidate.quantization) for candidate in usable)
        return [candidate for candidate in usable if quantization.preference(candidate.quantization) == best]
    fitting = [candidate for candidate in candidates if quantization.matches(candidate.quantization, wanted)]
    if not fitting:
        raise WeightsError(
            Reason.NO_SUITABLE_FILE,
            f"no GGUF file of {where} has quantization {wanted}; there are: {_listing(candidates)}",
        )
    exact = [candidate for candidate in fitting if candidate.quantization == quantization.normalize(wanted)]
    return exact or fitting


def _only(candidates: list[Candidate], where: str) -> Candidate:
    """The one candidate; of the same model stored twice, the one in fewer files, nearer to the root."""
    by_model: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda each: (bool(each.missing), each.shards, each.name.count("/"))):
        by_model.setdefault(_model_name(candidate.name), candidate)
    if len(by_model) > 1:
        raise WeightsError(Reason.NO_SUITABLE_FILE, _several(candidates, where))
    (candidate,) = by_model.values()
    if candidate.missing:
        raise WeightsError(
            Reason.NO_SUITABLE_FILE,
            f"{candidate.name} of {where} has {candidate.shards} parts, and part {candidate.missing[0]} is not there; "
            f"there are: {_listing(candidates)}",
        )
    return candidate


def _several(candidates: Iterable[Candidate], where: str) -> str:
    return f"{where} holds several models that fit; set source.huggingFace.file to one of: {_listing(candidates)}"


def _model_name(path: str) -> str:
    name = PurePosixPath(path).name.lower()
    match = _SHARD.match(name)
    return match["stem"] if match else name.removesuffix(".gguf")


def _listing(candidates: Iterable[Candidate]) -> str:
    return text.listing((candidate.name, candidate.size) for candidate in candidates)


def _no_gguf(files: Sequence[RepoFile], where: str) -> str:
    advice = "choose a repository with GGUF files (their names often end in -GGUF)"
    if not files:
        return f"{where} holds no files; {advice}"
    kinds = sorted({PurePosixPath(file.path).suffix for file in files if PurePosixPath(file.path).suffix})
    return f"{where} holds no GGUF weights (its files end in {', '.join(kinds[:6]) or 'nothing'}); {advice}"

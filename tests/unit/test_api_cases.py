"""The table of valid and invalid objects, against pydantic. tests/cluster sends the same table to a real API server."""

from __future__ import annotations

import pytest

from auriga_api.manifests import dump, parse, plain
from auriga_api.manifests.documents import write
from support.api_cases import INVALID, VALID, Case


def read(case: Case) -> tuple[list[str], dict[str, object] | None]:
    """What is said about the object, and the object as it would be stored."""
    manifests = parse({"case.yaml": write([case.object])})
    found = [*manifests.models.values(), *manifests.chains.values()]
    return [str(problem) for problem in manifests.problems], plain(found[0]) if found else None


def test_there_are_enough_cases_and_each_has_its_own_name() -> None:
    names = [case.name for case in VALID + INVALID]
    assert len(set(names)) == len(names)
    assert len(INVALID) >= 60


@pytest.mark.parametrize("case", VALID, ids=str)
def test_valid_objects_are_taken_and_come_back_as_they_were(case: Case) -> None:
    problems, stored = read(case)
    assert not problems
    again = parse({"case.yaml": write([stored])})
    assert dump([*again.models.values(), *again.chains.values()]) == write([stored])


@pytest.mark.parametrize("case", INVALID, ids=str)
def test_invalid_objects_are_refused_with_one_line_that_says_what_to_write(case: Case) -> None:
    problems, stored = read(case)
    assert stored is None
    assert len(problems) == 1
    assert case.said in problems[0]
    assert problems[0].startswith("case.yaml:")

"""Reading manifests never raises, points into the file, and gives back what was written."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auriga_api import Model, RoleChain
from auriga_api.manifests import Problem, dump, parse, references
from auriga_api.manifests.documents import read, read_slowly, resolve, write
from support import api_strategies
from support.api_cases import INVALID, VALID

VALID_TEXT = write(case.object for case in VALID[:4])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=20
)
yaml_like = st.text("ab01:-[]{}&*!|>'\"#%@`,?<~ \n\t\\x_", max_size=60)


def problems(text: str) -> tuple[Problem, ...]:
    manifests = parse({"a.yaml": text})
    found = manifests.problems + references(manifests)
    for problem in found:
        # All that breaks a line in YAML.
        assert 1 <= problem.line <= len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
        assert str(problem).isprintable()
        assert str(problem).startswith(f"a.yaml:{problem.line}: ")
    return found


@given(text=st.text(max_size=200) | yaml_like)
def test_any_text_is_read_or_has_a_problem_inside_the_file(text: str) -> None:
    problems(text)


@given(place=st.integers(0, len(VALID_TEXT)), length=st.integers(0, 30), text=yaml_like)
def test_a_damaged_file_is_read_or_has_a_problem_inside_it(place: int, length: int, text: str) -> None:
    problems(VALID_TEXT[:place] + text + VALID_TEXT[place + length :])


@given(item=st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(
    ["kind", "apiVersion", "metadata", "name", "namespace", "labels", "spec", "data", "items", "members", "source"]
), inner)), kind=st.sampled_from(["Model", "RoleChain", "Secret", "List", "Pod"]))  # fmt: skip
def test_any_value_in_place_of_an_object_has_a_problem(item: Any, kind: str) -> None:
    version = "v1" if kind == "Secret" else "auriga.dev/v1alpha1"
    fields = item if isinstance(item, dict) else {"spec": item}
    found = problems(write([{"apiVersion": version} | fields | {"kind": kind}]))
    assert found or kind in ("List", "Secret")


@given(item=api_strategies.mutants())
def test_a_mutant_is_taken_or_has_a_problem(item: dict[str, Any]) -> None:
    manifests = parse({"a.yaml": write([item])})
    assert bool(manifests.problems) != bool(manifests.models or manifests.chains)
    problems(write([item]))


@given(
    item=api_strategies.specs(Model) | api_strategies.specs(RoleChain) | st.sampled_from(VALID).map(lambda c: c.object)
)
def test_what_is_dumped_is_read_to_the_same_objects(item: dict[str, Any]) -> None:
    first = parse({"a.yaml": write([item])})
    again = parse({"a.yaml": dump([*first.models.values(), *first.chains.values()])})
    assert (again.models, again.chains, again.problems) == (first.models, first.chains, ())


@given(value=values)
def test_what_is_written_is_read_to_the_same_values(value: Any) -> None:
    documents, faults = read(write([value]))
    assert not faults
    assert [document.value for document in documents] == ([] if value is None else [value])


@given(text=st.text(max_size=20) | st.text("0123456789_xobeE+-.", max_size=10))
def test_any_word_has_a_meaning(text: str) -> None:
    assert isinstance(resolve(text), (str, int, float, bool, type(None)))


def test_the_problem_of_each_invalid_example_is_at_the_line_of_the_field() -> None:
    for case in INVALID:
        text = f"# a comment\n---\n{write([case.object])}"
        (problem,) = (each for each in problems(text) if each.severity == "error")
        field = re.sub(r"\[\d+\]", "", problem.message.split(": ")[0]).split(".")[-1]
        line = text.splitlines()[problem.line - 1]
        missing = "missing" in problem.message or "needs" in problem.message
        assert missing or line.strip().startswith(("- ", f"{field}:", f"'{field}':")) or field not in text


@given(text=yaml_like | st.builds(lambda each: write([each]), values))
def test_with_and_without_libyaml_a_text_means_the_same(text: str) -> None:
    quick, faults = read(text)
    slow, slow_faults = read_slowly(text)
    if faults != slow_faults:
        assert slow_faults, "libyaml takes some texts that PyYAML's own parser refuses; never the other way round"
        return
    assert [(each.value, each.lines) for each in quick] == [(each.value, each.lines) for each in slow]


@given(place=st.integers(0, len(VALID_TEXT)), length=st.integers(0, 30), text=yaml_like)
def test_so_does_a_damaged_file(place: int, length: int, text: str) -> None:
    damaged = VALID_TEXT[:place] + text + VALID_TEXT[place + length :]
    quick, faults = read(damaged)
    slow, slow_faults = read_slowly(damaged)
    assert slow_faults or (quick, faults) == (slow, [])

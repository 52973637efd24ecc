"""Which of llama.cpp's lines name the cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from auriga_operator.said import cause, causes

CASES = yaml.safe_load((Path(__file__).parents[1] / "support" / "engine_said.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_lines_that_name_the_cause(case: dict[str, Any]) -> None:
    assert list(causes(case["said"].splitlines())) == case["named"]


def test_on_one_line_and_the_last_one_where_none_looks_like_an_error() -> None:
    assert cause(["E error: a", "slot 0 released", "error: b"]) == "E error: a | error: b"
    assert cause(["listening", "boom"]) == "boom"
    assert cause(["boom", "0.30.810.091 I slot      release: id  3 | task 477 | stop processing"]) == ""
    assert cause([]) == ""


def test_few_lines_and_short_ones() -> None:
    found = causes([f"{'x' * 400}: error {number}" for number in range(9)] + ["error: 10", "error: 11", "error: 12"])
    assert found == ("error: 10", "error: 11", "error: 12")
    (long,) = causes(["error: " + "x" * 400])
    assert len(long) == 300

"""Which of llama.cpp's lines name the cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from auriga_operator.said import cause, causes, worth_showing

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


def test_what_it_says_of_requests_that_go_well_is_not_shown() -> None:
    slots = [
        "0.00.519.616 I slot print_timing: id  1 | task 0 | total time = 134.64 ms",
        "0.00.6.1 W slot operator(): n",
    ]
    slots += ["slot      release: id  1 | task 0 | stop processing", "       eval time =       8.76 ms /    32 tokens"]
    assert worth_showing(slots, 8) == ()
    assert worth_showing([*slots, "out of cheese"], 8) == ("out of cheese",)
    assert worth_showing(["old", *slots, "0.1.2.3 E no such file"], 8) == ("no such file",)
    assert worth_showing([str(number) for number in range(9)], 2) == ("7", "8")

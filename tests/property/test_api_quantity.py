"""Quantities and durations against Kubernetes' own grammar, and against plain arithmetic."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from auriga_api.quantity import DURATION, QUANTITY, Duration, Quantity, parse_duration, parse_quantity, seconds

BINARY = {unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
DECIMAL = dict(zip("numkMGTPE", (Fraction(1000) ** power for power in range(-3, 7) if power), strict=True))
UNITS = {"": Fraction(1)} | DECIMAL | BINARY
LARGEST = 2**63 - 1
SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}

numbers = st.from_regex(r"[0-9]{1,19}(\.[0-9]{0,9})?|\.[0-9]{1,9}", fullmatch=True)
lengths = st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True)
parts = st.lists(st.tuples(lengths, st.sampled_from(list(SECONDS))), min_size=1, max_size=4)


@given(number=numbers, unit=st.sampled_from(list(UNITS)))
def test_a_quantity_is_its_number_times_its_unit_up_to_an_int64_and_rounded_up_to_nano(number: str, unit: str) -> None:
    exact = Fraction(Decimal(number)) * UNITS[unit]
    value = Fraction(parse_quantity(number + unit))
    assert value == LARGEST if exact >= LARGEST else 0 <= value - exact < Fraction(1, 10**9)


@given(number=numbers, exponent=st.integers(-99, 99), letter=st.sampled_from("eE"))
def test_an_exponent_is_a_power_of_ten(number: str, exponent: int, letter: str) -> None:
    exact = Fraction(Decimal(number)) * Fraction(10) ** exponent
    value = Fraction(parse_quantity(f"{number}{letter}{exponent}"))
    assert value == LARGEST if exact >= LARGEST else 0 <= value - exact < Fraction(1, 10**9)


@given(parts=parts)
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[str, str]]) -> None:
    text = "".join(number + unit for number, unit in parts)
    exact = sum(Fraction(Decimal(number)) * SECONDS[unit] for number, unit in parts)
    assert abs(Fraction(seconds(text)) - exact) < Fraction(1, 1000)
    assert parse_duration(text) == timedelta(seconds=seconds(text))


@given(text=st.text(max_size=12) | st.text("0123456789.eEKMGinumk+-", max_size=8))
@example(text="1\n")
@example(text="\N{ARABIC-INDIC DIGIT ONE}")
def test_exactly_what_the_pattern_allows_is_a_quantity(text: str) -> None:
    allowed = re.fullmatch(QUANTITY, text) is not None
    assert accepts(Quantity, text) == allowed
    assert raises(parse_quantity, text) != allowed


@given(text=st.text(max_size=12) | st.text("0123456789.hms-", max_size=8))
@example(text="1s\n")
@example(text="0s")
def test_exactly_what_the_pattern_allows_above_zero_is_a_duration(text: str) -> None:
    allowed = re.fullmatch(DURATION, text) is not None
    assert raises(parse_duration, text) != allowed
    assert accepts(Duration, text) == (allowed and any(digit in text for digit in "123456789"))


@pytest.mark.parametrize("wrong", [True, None, 1.5, b"1", [1], {}])
def test_other_types_are_no_quantities(wrong: object) -> None:
    with pytest.raises(ValidationError, match="one with a point in quotes"):
        TypeAdapter(Quantity).validate_python(wrong)


def accepts(kind: object, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def raises(parse: object, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return True
    return False

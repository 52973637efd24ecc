"""Whole numbers in a caller's document, however they are written."""

from __future__ import annotations

import pytest

from auriga_router.completions import token_limit
from auriga_router.translate import RequestError
from auriga_router.translate.fields import parse


@pytest.mark.parametrize(("written", "read"), [("50", 50), ("50.0", 50), ("5e1", 50), ("-1.0", -1), ("null", None)])
def test_what_is_whole_is_read(written: str, read: int | None) -> None:
    assert parse(f'{{"n": {written}}}'.encode()).integer("n") == read


@pytest.mark.parametrize("written", ["50.5", "true", '"50"', "1e300", "36893488147419103232", "[]"])
def test_what_is_not_is_refused(written: str) -> None:
    with pytest.raises(RequestError, match="whole number"):
        parse(f'{{"n": {written}}}'.encode()).integer("n")


@pytest.mark.parametrize(("written", "limit"), [("50", 50), ("50.0", 50), ("-1", None), ("0.0", None), ("true", None)])
def test_a_limit_of_tokens(written: str, limit: int | None) -> None:
    assert token_limit(f'{{"max_tokens": {written}}}'.encode()) == limit

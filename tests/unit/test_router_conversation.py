"""What makes two requests one conversation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from auriga_router.conversation import key_of

USER = {"role": "user", "content": "hi"}
DIFFERENT: list[dict[str, Any]] = [
    {"messages": [USER]},
    {"messages": [{"role": "system", "content": "be brief"}, USER]},
    {"messages": [{"role": "user", "content": "ho"}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    {"system": "be brief", "messages": [{"role": "user", "content": "ho"}]},
    {"instructions": "be kind", "input": "question"},
    {"instructions": "be brief", "input": "question"},
    {"input": [{"role": "user", "content": "question 2"}]},
    {"prompt": "once upon"},
    {"prompt": ["once", "upon"]},
    {"messages": [{"role": "user", "content": "a" * 2048 + "b"}]},
]


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_different_conversations_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key_of(one) != key_of(other)


def test_what_comes_after_the_first_2048_characters_and_after_the_first_question_does_not_count() -> None:
    assert key_of({"prompt": "a" * 2048 + "b"}) == key_of({"prompt": "a" * 2048 + "c"})
    assert key_of({"messages": [USER, {"role": "user", "content": "x"}]}) == key_of({"messages": [USER]})


@pytest.mark.parametrize("document", [{}, {"messages": []}, {"messages": None}, {"prompt": ""}])
def test_nothing_to_go_by_is_no_key(document: dict[str, Any]) -> None:
    assert key_of(document) == 0


def test_a_key_is_the_same_in_every_process() -> None:
    assert key_of({"messages": [USER]}) == 3622465178

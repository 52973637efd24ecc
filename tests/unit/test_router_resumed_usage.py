"""One usage for an answer that came from two endpoints: what was prompt to the second was answer of the first."""

from __future__ import annotations

import pytest

from auriga_router.translate import Start, Stop, Tape
from auriga_router.translate.answer import Usage
from auriga_router.translate.events import Finished, TextDelta
from auriga_router.translate.resume import Resumed

SAID = ["one ", "two ", "three "]


@pytest.mark.parametrize(
    ("tokens", "told", "whole"),
    [
        (3, Usage(input=20, output=5), Usage(input=17, output=8)),
        (9, Usage(input=20, output=5), Usage(input=11, output=14)),  # more than events have told of: tags, counted
        (0, Usage(input=20, output=5), Usage(input=20, output=8)),  # it was given nothing of the answer
        (9, Usage(input=20, output=5, cached=15, cache_written=5), Usage(input=11, output=14, cached=11)),
        (9, Usage(input=20, output=5, cached=4), Usage(input=11, output=14, cached=4)),
        (9, Usage(input=7, output=5), Usage(input=0, output=14)),  # it counts otherwise
        (9, None, None),
    ],
)
def test_prompt_and_answer_are_those_of_the_caller(tokens: int, told: Usage | None, whole: Usage | None) -> None:
    tape = Tape()
    tape.record(TextDelta(word) for word in SAID)
    seam = Resumed(tape, Start("".join(SAID), tokens))
    assert seam.filter([TextDelta("four"), Finished(Stop.END, None, told)]) == [
        TextDelta("four"), Finished(Stop.END, None, whole),
    ]  # fmt: skip

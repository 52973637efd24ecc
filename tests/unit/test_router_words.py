"""What an attempt came to is told by the same word everywhere: documents, metrics, log, and what resources name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from auriga_api.rolechain import FallbackOn
from auriga_router.attempt_log import AttemptLog
from auriga_router.attempts import Attempt
from auriga_router.compile import compile as compile_table
from auriga_router.endpoint import Address, Endpoint
from auriga_router.exposition import exposition
from auriga_router.metrics import Metrics
from auriga_router.routing.outcome import Outcome
from support.http_router import chain, model, snapshot

DOCS = Path(__file__).parents[2] / "docs"
WORDS = {outcome.value for outcome in Outcome}


def test_the_documents_tell_of_each_word_and_of_no_other() -> None:
    _, _, table = (DOCS / "concepts.md").read_text().partition("\n## Outcomes\n")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table.partition("\n## ")[0], re.MULTILINE)
    assert {word for row in rows for word in re.findall(r"`(\w+)`", row)} == WORDS


def test_resources_name_no_other_words() -> None:
    assert set(get_args(FallbackOn)) <= WORDS


def test_metrics_count_by_them() -> None:
    table = compile_table(snapshot(model("m1"), chain("role", "m1"), endpoints={"m1": "127.0.0.1:1"}))
    (member,) = table.names["role"].members
    member.tally.outcomes[:] = [1] * len(Outcome)
    text = exposition(Metrics(lambda: table, dict, lambda: 0, lambda: 0.0).collect())
    assert set(re.findall(r'auriga_attempts_total\{[^}]*outcome="(\w+)"', text.decode())) == WORDS


async def test_the_log_writes_them() -> None:
    written: list[bytes] = []
    log = AttemptLog(written.append)
    where = Endpoint("default/m1", Address("127.0.0.1", 1)).name
    for outcome in Outcome:
        log(Attempt("id", "role", "default/m1", where, outcome, 200, 1.0, "openai", False))
    await log.flush()
    assert set(re.findall(rb'"outcome":"(\w+)"', b"".join(written))) == {word.encode() for word in WORDS}

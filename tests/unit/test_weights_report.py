"""What a fetch reports: events, at most four a second; messages; the estimate of memory; how long it tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_api.model import Artifact
from auriga_operator.weights import memory, retry, text
from auriga_operator.weights.errors import Reason, TransientError, WeightsError
from auriga_operator.weights.events import Done, Failed, Progress, Resolved, from_line, to_line
from auriga_operator.weights.gguf_header import Header
from auriga_operator.weights.progress import Reporter
from auriga_operator.weights.refusals import Subject, refusal
from auriga_operator.weights.retry import Policy

ARTIFACT = Artifact(repo="org/x", file="a.gguf", size_bytes=1000)


@pytest.mark.parametrize(
    "event",
    [
        Resolved(artifact=ARTIFACT),
        Progress(bytes=1, total_bytes=2),
        Done(path="/a.gguf", artifact=ARTIFACT, has_chat_template=True),
        Failed(reason=Reason.DISK_FULL, message="no\nspace"),
    ],
)
def test_an_event_is_one_line_that_reads_back(event: Resolved | Progress | Done | Failed) -> None:
    line = to_line(event)
    assert "\n" not in line
    assert from_line(line) == event


def test_lines_are_written_as_kubernetes_writes_names() -> None:
    assert json.loads(to_line(Progress(bytes=1, total_bytes=2))) == {"event": "progress", "bytes": 1, "totalBytes": 2}
    assert json.loads(to_line(Resolved(artifact=ARTIFACT)))["artifact"]["sizeBytes"] == 1000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_counts_all_files_and_comes_four_times_a_second() -> None:
    events: list[object] = []
    clock = Clock()
    report = Reporter(events.append, clock)
    report.resolved(ARTIFACT, {"a": 400, "b": 0})
    on_bytes = report.file("b")
    for step in range(100):
        clock.now = step / 100
        on_bytes(step * 6)
    on_bytes(600)
    report.finished()
    assert [event for event in events if isinstance(event, Progress)] == [
        Progress(bytes=400 + count, total_bytes=1000) for count in (0, 150, 300, 450, 600)
    ]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_920_000_000, "4.9 GB"), (2_500_000_000_000, "2.5 TB")],
)
def test_sizes_for_people(count: int, shown: str) -> None:
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pa55@host:8443/a/m.gguf?X-Sig=k#f", "https://host:8443/a/m.gguf?..."),
        ("http://host/m.gguf", "http://host/m.gguf"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert text.public_url(url) == shown


@pytest.mark.parametrize(
    ("status", "headers", "with_token", "reason", "says"),
    [
        (401, {"x-error-code": "GatedRepo"}, False, Reason.GATED_REPOSITORY, "accept the license at https://hub/org/x"),
        (403, {"x-error-code": "GatedRepo"}, True, Reason.GATED_REPOSITORY, "with that account"),
        (401, {"x-error-code": "RepoNotFound"}, False, Reason.REPOSITORY_NOT_FOUND, "no public https://hub/org/x"),
        (404, {}, True, Reason.REPOSITORY_NOT_FOUND, "that the token may read"),
        (404, {"x-error-code": "RevisionNotFound"}, False, Reason.REVISION_NOT_FOUND, "has no revision v1"),
        (404, {"x-error-code": "EntryNotFound"}, False, Reason.FILE_NOT_FOUND, "m.gguf is not in https://hub/org/x"),
        (401, {}, True, Reason.UNAUTHORIZED, "refused the token"),
        (401, {}, False, Reason.UNAUTHORIZED, "needs a token"),
        (403, {"x-error-message": "no right"}, True, Reason.UNAUTHORIZED, "forbids access to org/x (no right)"),
        (418, {"x-error-message": "tea"}, False, Reason.FAILED, "status 418 (tea)"),
    ],
)
def test_a_refusal_says_what_it_is_and_what_to_do(
    status: int, headers: Mapping[str, str], *, with_token: bool, reason: Reason, says: str
) -> None:
    error = refusal(status, headers, Subject("https://hub", "org/x", "v1", "m.gguf", with_token))
    assert error.reason is reason
    assert says in error.message


def test_waits_double_up_to_a_limit_or_are_what_the_server_asks() -> None:
    policy = Policy()
    assert [policy.wait(failures, 0) for failures in range(1, 7)] == [1, 2, 4, 8, 16, 30]
    assert policy.wait(1, 12) == 12
    assert policy.wait(1, 3600) == 30


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("17", 17), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-1", 0), ("", 0)]
)
def test_retry_after_in_seconds(header: str | None, seconds: float) -> None:
    assert retry.retry_after(header) == seconds


@given(st.integers(1, 10), st.integers(0, 20))
def test_a_call_is_tried_as_often_as_the_policy_says(tries: int, failing: int) -> None:
    waits: list[float] = []
    outcomes = iter([True] * failing + [False])

    def call() -> str:
        if next(outcomes):
            raise TransientError("cut")
        return "here"

    if failing < tries:
        assert retry.persist(call, Policy(tries=tries), waits.append, "the hub") == "here"
        assert len(waits) == failing
    else:
        with pytest.raises(WeightsError, match="the hub cannot be reached: cut"):
            retry.persist(call, Policy(tries=tries), waits.append, "the hub")
        assert len(waits) == tries - 1


QWEN3_8B = Header(
    architecture="qwen3",
    name="Qwen3 8B",
    quantization="Q4_K_M",
    context_length=40960,
    parameters=8_190_735_360,
    block_count=36,
    embedding_length=4096,
    head_count=32,
    head_count_kv=(8,),
    key_length=128,
    value_length=128,
    chat_template="",
    shards=1,
    bytes_needed=0,
)


def test_memory_is_weights_and_the_cache_of_all_slots() -> None:
    """36 layers x 8 heads x 256 numbers x 2 bytes = 147,456 bytes a token, as llama.cpp reports for this model."""
    needed = memory.estimate(QWEN3_8B, 5_000_000_000, 8192, 4)
    assert needed.kv_cache == 147_456 * 8192 * 4
    assert needed.total == 5_000_000_000 + needed.kv_cache
    assert needed.arithmetic == (
        "4.7 GiB weights + 4.5 GiB KV cache "
        "(36 layers x 8 KV heads x (128 + 128) x 2 bytes x 8192 tokens x 4 slots) = 9.2 GiB"
    )


def test_memory_of_heads_that_differ_by_layer_and_of_lengths_that_are_not_stated() -> None:
    by_layer = memory.estimate(replace(QWEN3_8B, head_count_kv=(8, 0, 0, 8), block_count=4), 0, 100, 1)
    assert by_layer.kv_cache == 2 * 16 * 256 * 100
    derived = memory.estimate(replace(QWEN3_8B, key_length=0, value_length=0), 0, None, 1)
    assert derived.kv_cache == 147_456 * 40960


def test_memory_of_a_file_that_tells_nothing_is_its_size() -> None:
    silent = replace(
        QWEN3_8B, block_count=0, embedding_length=0, head_count=0, head_count_kv=(), key_length=0, value_length=0
    )
    assert memory.estimate(silent, 7, None, 4).total == 7

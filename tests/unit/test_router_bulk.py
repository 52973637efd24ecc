"""What a large body may hold: counted right whatever stands in its strings, and never too much of it is kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_router import bulk
from auriga_router.bulk import MOST_CONTAINERS, MOST_STRINGS, MOST_VALUES, excess
from auriga_router.wire.request import RequestReader

TEXT = st.text(st.sampled_from('[]{}",\\ab:'), max_size=12)
JSON = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def holding(filler: bytes, times: int) -> bytes:
    return b'{"model": "m", "x": [%s0]}' % (filler * times)


@pytest.mark.parametrize(
    ("filler", "times", "what"),
    [
        (b"[],", MOST_CONTAINERS, "100000 objects and lists"),
        (b"{ },", MOST_CONTAINERS, "100000 objects and lists"),
        (b'{"a": []},', MOST_CONTAINERS // 2, "100000 objects and lists"),
        (b'"",', MOST_STRINGS, "300000 strings"),
        (b"1,", MOST_VALUES + 1, "1000000 values"),
    ],
)
def test_too_much_is_named(filler: bytes, times: int, what: str) -> None:
    assert excess(holding(filler, times)) == f"more than {what}"
    assert excess(holding(filler, times - 10)) == ""


@pytest.mark.parametrize("line", ["a[0], {b}, c[1]\n", 'x["k"] = {"a": [1, 2]}, "\\\\"\n', "},{\n"])
def test_a_long_listing_is_no_excess(line: str) -> None:
    listing = json.dumps({"model": "m", "messages": [{"role": "user", "content": line * 200_000}]}).encode()
    assert listing.count(b"[") + listing.count(b"{") > MOST_CONTAINERS
    assert excess(listing) == ""


def containers(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(containers, value.values()))
    return 1 + sum(map(containers, value)) if isinstance(value, list) else 0


@given(JSON, st.booleans())
def test_marks_in_strings_do_not_count(value: object, ascii_only: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        body = json.dumps([value], ensure_ascii=ascii_only).encode()
        patch.setattr(bulk, "MOST_CONTAINERS", containers([value]))
        patch.setattr(bulk, "MOST_STRINGS", body.count(b'"'))
        assert excess(body) == ""
        patch.setattr(bulk, "MOST_CONTAINERS", containers([value]) - 1)
        assert excess(body).endswith("objects and lists")


@pytest.mark.parametrize("chunks_a_read", [1, 7, 20_000])
def test_a_body_in_tiny_chunks_is_kept_in_few_pieces(chunks_a_read: int) -> None:
    reader = RequestReader(1_000_000)
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(40_000 // chunks_a_read):
        reader.feed(b"2\r\nab\r\n" * chunks_a_read)
        assert reader.current is not None
        assert len(reader.current.pieces) <= 64
    reader.feed(b"1\r\nc\r\n0\r\n\r\n")
    assert reader.whole[0].body == b"ab" * (40_000 // chunks_a_read * chunks_a_read) + b"c"


def test_of_a_body_past_the_limit_nothing_is_kept() -> None:
    reader = RequestReader(1000)
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n")
    for _ in range(1500):
        reader.feed(b"x")
    assert reader.current is not None
    assert (reader.current.pieces, reader.current.joined, reader.current.size) == ([], None, 1500)

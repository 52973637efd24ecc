"""Whatever JSON a caller writes, only the value of the top level's ``model`` is replaced, and it is replaced truly."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auriga_router.body import BodyError, locate, parse, splice

TRICKY = [
    '"model"',
    '\\"model\\"',
    "model",
    '"model":',
    '{"model": "x"}',
    "\\",
    '"',
    "\u00e9",
    "\U0001f600",
    "mod\u0065l",
]
TEXT = st.one_of(st.text(max_size=8), st.sampled_from(TRICKY))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXT, st.just("model")), inner, max_size=3)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(['"model"', '"mod\\u0065l"', '"\\u006dodel"', '"\\u006D\\u006f\\u0064\\u0065\\u006C"'])
SPACE = st.text(" \t\r\n", max_size=2)
NAME = st.text(min_size=1, max_size=8)


def _dump(value: Any, *, ascii_only: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii_only)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An object as text: any white space, any order, keys that occur twice, the key in any spelling."""
    ascii_only = draw(st.booleans())
    pairs = [
        (_dump(key, ascii_only=ascii_only), _dump(value, ascii_only=ascii_only))
        for key, value in draw(st.lists(st.tuples(TEXT, VALUES), max_size=4))
    ]
    for _ in range(draw(st.integers(1, 3))):
        value = _dump(draw(NAME), ascii_only=draw(st.booleans()))
        pairs.insert(draw(st.integers(0, len(pairs))), (draw(KEYS), value))
    space = [draw(SPACE) for _ in range(4)]
    members = f"{space[0]},{space[1]}".join(f"{key}{space[2]}:{space[3]}{value}" for key, value in pairs)
    return f"{space[0]}{{{space[1]}{members}{space[2]}}}{space[3]}".encode("utf-8", "surrogatepass")


def _valid(body: bytes) -> bool:
    try:
        parse(body)
    except BodyError:
        return False
    return True


@given(bodies().filter(_valid), NAME.filter(lambda name: max(name) < "\ud800" or max(name) > "\udfff"))
def test_only_the_model_is_replaced(body: bytes, name: str) -> None:
    model, _, _, span, _ = parse(body)
    assert orjson.loads(body[slice(*span)]) == model
    assert span == locate(body)
    spliced = splice(body, span, orjson.dumps(name))
    assert orjson.loads(spliced) == orjson.loads(body) | {"model": name}
    assert spliced.startswith(body[: span[0]])
    assert spliced.endswith(body[span[1] :])


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a"}',
        b' {\n"messages": [], "model"\t:\r\n"a" }',
        b'{"x": "\\"model\\": \\"b\\"", "model": "a"}',
        b'{"x": {"model": "b"}, "model": "a"}',
        b'{"model": "a", "x": {"model": "b"}}',
        b'{"x": {"model": "b"}, "model": "a", "y": {"model": "c"}}',
        b'{"model": "b", "model": "a"}',
        b'{"model": "a", "model": "a"}',
        b'{"model": "b", "mod\\u0065l": "a"}',
        b'{"model": "a", "x": {"y\\"model": "b"}}',
        b'{"model": 1, "model": "a"}',
        b'{"x": "model", "model": "a"}',
        b'{"a\\"model": "b", "model": "a"}',
        b'{"x\\"model": "b", "y": [{"model": "c"}], "mod\\u0065l": "a", "z\\"model": 3, "v": {"model": "d"}}',
        b'{"model": "\\u0061", "tools": [{"function": {"parameters": {"properties": {"model": {"type": "string"}}}}}]}',
    ],
)
def test_places_that_look_alike(body: bytes) -> None:
    assert parse(body)[0] == "a"
    for span in (locate(body), parse(body)[3]):
        assert orjson.loads(splice(body, span, b'"NEW"')) == orjson.loads(body) | {"model": "NEW"}


@pytest.mark.parametrize("body", [b'{"model": "a",}', b'{"model": "a", ', b'{"model": "a", "x"}', b'{"model": "a", 1}'])
def test_a_body_that_only_begins_well_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError, match="not JSON"):
        parse(body)


@pytest.mark.parametrize("what", [b"x", b"-", b"[", b"{", b",", b":", b"1", b"\xa0", b"\x00"])
def test_nothing_but_white_space_stands_before_the_model(what: bytes) -> None:
    with pytest.raises(BodyError, match="not JSON"):
        parse(b'{"model":%s"a","messages":[]}' % what)


@pytest.mark.parametrize("space", [b"", b" ", b"\t", b"\n", b"\r", b"  "])
def test_white_space_may_stand_before_the_model(space: bytes) -> None:
    body = b'{"model":%s"a","messages":[]}' % space
    model, _, _, span, _ = parse(body)
    assert (model, body[slice(*span)]) == ("a", b'"a"')


def test_many_places_that_look_alike_take_no_longer_than_reading_the_body_does() -> None:
    inner = b",".join(b'{"model": "x"}' for _ in range(20_000))
    body = b'{"a": [%s], "model": "a", "b": [%s]}' % (inner, inner)
    spliced = splice(body, locate(body), b'"NEW"')
    assert orjson.loads(spliced)["model"] == "NEW"
    assert len(spliced) == len(body) + 2

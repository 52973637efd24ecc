"""The load signal as a value: as JSON and back, merged, added up."""

import json

import pytest

from auriga_api.load import (
    EndpointLoad,
    LoadError,
    LoadReport,
    ModelLoad,
    grown,
    merge,
    read_report,
    total,
    write_report,
)

BUSY = ModelLoad(3, 2, 40, 8, 0.25, {"10.0.0.1:8080": EndpointLoad(3, 0.25), "10.0.0.2:8080": EndpointLoad()})


def test_a_line_reads_as_the_interface_says() -> None:
    line = write_report(LoadReport("router-a", {"ns/qwen": BUSY, "ns/gone": None}, full=True))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "router": "router-a",
        "full": True,
        "models": {
            "ns/qwen": {
                "inFlight": 3, "queued": 2, "requests": 40, "slots": 8, "idle": 0.25,
                "endpoints": {"10.0.0.1:8080": {"inFlight": 3, "idle": 0.25}, "10.0.0.2:8080": {"inFlight": 0}},
            },
            "ns/gone": None,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    "report",
    [
        LoadReport("a", {}, full=True),
        LoadReport("a"),
        LoadReport("a", {"ns/qwen": BUSY, "ns/gone": None}),
        LoadReport("a", {"ns/qwen": ModelLoad()}, full=True),
    ],
)
def test_what_is_written_is_read(report: LoadReport) -> None:
    assert read_report(write_report(report)) == report


def test_what_another_version_says_more_is_passed_over() -> None:
    line = b'{"router": "a", "zone": "x", "models": {"ns/qwen": {"inFlight": 1, "tokens": 9}}}'
    assert read_report(line) == LoadReport("a", {"ns/qwen": ModelLoad(in_flight=1)})


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"{}", b'{"router": "a"}', b'{"router": "a", "models": []}', b"\xff",
        b'{"router": "a", "models": {"ns/qwen": 3}}', b'{"router": "a", "models": {"ns/qwen": {"queued": -1}}}',
        b'{"router": "a", "models": {"ns/qwen": {"queued": "many"}}}',
        b'{"router": "a", "models": {"ns/qwen": {"endpoints": [1]}}}', b'{"models": {}}', b'{"router": "a", "mod',
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(LoadError, match="no load signal"):
        read_report(line)


def test_a_change_replaces_its_models_and_a_full_line_all() -> None:
    one, other = ModelLoad(in_flight=1), ModelLoad(queued=1)
    state = merge({}, LoadReport("a", {"ns/one": one}, full=True))
    state = merge(state, LoadReport("a", {"ns/other": other}))
    assert state == {"ns/one": one, "ns/other": other}
    assert merge(state, LoadReport("a", {"ns/one": None})) == {"ns/other": other}
    assert merge(state, LoadReport("a", {"ns/one": other}, full=True)) == {"ns/one": other}


def test_routers_add_up() -> None:
    other = ModelLoad(1, 0, 2, 4, 9.0, {"10.0.0.1:8080": EndpointLoad(1, 9.0), "10.0.0.3:8080": EndpointLoad(0, 1.0)})
    assert total([BUSY, other]) == ModelLoad(
        in_flight=4, queued=2, requests=42, slots=8, idle=0.25,
        endpoints={
            "10.0.0.1:8080": EndpointLoad(4, 0.25), "10.0.0.2:8080": EndpointLoad(),
            "10.0.0.3:8080": EndpointLoad(0, 1.0),
        },
    )  # fmt: skip
    assert total([]) == ModelLoad()


@pytest.mark.parametrize(("before", "after", "growth"), [(0, 0, 0), (3, 3, 0), (3, 5, 2), (5, 2, 2), (5, 0, 0)])
def test_growth_outlives_a_counter_that_begins_anew(before: int, after: int, growth: int) -> None:
    assert grown(ModelLoad(requests=before), ModelLoad(requests=after)) == growth

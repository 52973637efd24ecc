"""What the fetcher says, how long it will take, and what the pod that runs it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auriga_operator import fetching, reports
from auriga_operator.pace import Pace
from auriga_operator.views import PodView
from support.operator_world import a_container, a_pod, ended

ARTIFACT = {"repo": "o/n", "file": "q.gguf", "sizeBytes": 5}
DONE = json.dumps({"event": "done", "path": "hub/q.gguf", "artifact": ARTIFACT})
FAILED = json.dumps({"event": "failed", "reason": "DiskFull", "message": "no room"})


def fetcher(**fields: object) -> PodView:
    return a_pod(component="weights", containers=(a_container(name="fetch", **fields),))


def test_what_is_tried_again_is_told_until_it_gets_on() -> None:
    trouble = json.dumps({"event": "retrying", "message": "hub cannot be reached: refused", "seconds": 2.0})
    progress = json.dumps({"event": "progress", "bytes": 3, "totalBytes": 5})
    assert reports.of_lines("\n".join([progress, trouble])).trouble == "hub cannot be reached: refused"
    assert reports.of_lines("\n".join([trouble, progress])).trouble == ""


def test_lines_tell_what_is_fetched_how_far_it_is_and_how_it_ended() -> None:
    lines = [
        json.dumps({"event": "resolved", "artifact": ARTIFACT}),
        "a warning of a library",
        json.dumps({"event": "progress", "bytes": 1, "totalBytes": 5}),
        json.dumps({"event": "progress", "bytes": 3, "totalBytes": 5}),
        '{"event": "prog',
    ]
    report = reports.of_lines("\n".join(lines))
    assert report.artifact
    assert (report.artifact.file, report.bytes, report.total_bytes) == ("q.gguf", 3, 5)
    assert reports.of_lines(DONE).path == "hub/q.gguf"
    assert reports.of_lines(FAILED).reason == "DiskFull"
    assert reports.of_lines('[1]\n"text"\n{"event": "done"}\n').path == ""


@pytest.mark.parametrize(
    ("pod", "path", "reason"),
    [
        (fetcher(), "", ""),
        (a_pod(containers=()), "", ""),
        (fetcher(running=False, finished=True, ended=ended(0, DONE, "Completed")), "hub/q.gguf", ""),
        (fetcher(running=False, finished=True, ended=ended(1, FAILED)), "", "DiskFull"),
        (fetcher(running=False, waiting="CrashLoopBackOff", restarts=1, ended=ended(1, FAILED)), "", "DiskFull"),
        (fetcher(running=False, restarts=1, ended=ended(1, "Traceback\nMemoryError")), "", "FetchFailed"),
        (fetcher(running=False, restarts=1, ended=ended(137, "", "OOMKilled")), "", ""),
    ],
)
def test_a_pods_state_tells_how_it_ended(pod: PodView, path: str, reason: str) -> None:
    report = reports.of_pod(pod)
    assert (report.path, report.reason) == (path, reason)


def test_the_time_left_follows_the_pace() -> None:
    pace = Pace()
    assert pace.seconds_left("a", 0, 1000, 0.0) is None
    assert pace.seconds_left("a", 100, 1000, 10.0) == 90
    assert pace.seconds_left("a", 100, 1000, 10.0) == 90, "the same look again"
    slower = pace.seconds_left("a", 100, 1000, 20.0)
    assert slower is not None
    assert slower > 90
    assert pace.seconds_left("b", 5, 10, 20.0) is None


def test_only_so_many_downloads_are_remembered() -> None:
    pace = Pace()
    for number in range(200):
        pace.seconds_left(str(number), 0, 10, float(number))
    assert pace.seconds_left("0", 5, 10, 300.0) is None
    assert pace.seconds_left("0", 10, 10, 310.0) == 0


def test_the_pods_program_fetches_and_leaves_its_last_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = {"source": {"file": {"path": "/nowhere/m.gguf"}}, "cache": str(tmp_path)}
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(fetching, "TERMINATION_LOG", log)
    monkeypatch.setenv("AURIGA_WEIGHTS_REQUEST", json.dumps(missing))
    assert fetching.main() == 1
    assert json.loads(log.read_text())["reason"] == "FileNotFound"
    assert json.loads(capsys.readouterr().out)["event"] == "failed"


def test_paths_are_told_as_they_are_below_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "auriga_operator" / "weights.py"
    program.parent.mkdir()
    (program.parent / "__init__.py").touch()
    event = {"event": "done", "path": "/cache/hub/q.gguf", "artifact": ARTIFACT}
    program.write_text(f"print({json.dumps(event)!r})")
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setattr(fetching, "TERMINATION_LOG", log)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("AURIGA_WEIGHTS_REQUEST", json.dumps({"source": {}, "cache": "/cache"}))
    assert fetching.main() == 0
    assert json.loads(log.read_text())["path"] == "hub/q.gguf"

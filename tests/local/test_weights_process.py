"""The program ``python -m auriga_operator.weights``: its protocol, and its life as somebody's child."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auriga_operator.weights.events import Done, Failed, Progress, Resolved, from_line
from auriga_operator.weights.store import HubCache
from support.gguf_files import tiny_gguf
from support.hub import FakeHub, Fault, sha256
from support.weights import until

PROGRAM = [sys.executable, "-m", "auriga_operator.weights"]
FILE = "Tiny-Q4_K_M.gguf"
TIMEOUT = 60


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf").read_bytes()


@pytest.fixture
def hub(gguf: bytes) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add("org/tiny", {FILE: gguf})
        yield hub


class Program:
    """How the program is started: its environment and its usual request."""

    def __init__(self, hub: FakeHub, folder: Path) -> None:
        self.cache = folder / "cache"
        self.partial = HubCache(self.cache / "hub").partial("org/tiny", sha256(hub.repos["org/tiny"].files[FILE]))
        self.env = {"PATH": os.environ["PATH"], "HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "home")}

    def request(self, **changes: Any) -> str:
        source = {"huggingFace": {"repo": "org/tiny"}}
        return json.dumps({"source": source, "cache": str(self.cache), **changes})

    def start(self, **options: Any) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(PROGRAM, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **options)

    def run(self, text: str | None = None, **options: Any) -> tuple[int, list[Any], str]:
        """(exit status, events, stderr) of a whole run."""
        with self.start(**options) as process:
            out, err = process.communicate(self.request() if text is None else text, timeout=TIMEOUT)
        return process.returncode, [from_line(line) for line in out.splitlines()], err


@pytest.fixture
def program(hub: FakeHub, tmp_path: Path) -> Program:
    return Program(hub, tmp_path)


def test_a_fetch_is_resolved_progresses_and_is_done(program: Program, gguf: bytes) -> None:
    status, events, err = program.run()
    assert status == 0
    assert isinstance(events[0], Resolved)
    assert isinstance(events[-2], Progress)
    assert isinstance(events[-1], Done)
    assert Path(events[-1].path).is_absolute()
    assert Path(events[-1].path).read_bytes() == gguf
    assert err == ""


def test_the_request_may_span_lines_and_stdin_may_stay_open(program: Program) -> None:
    with program.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(json.loads(program.request()), indent=2) + "\n")
        process.stdin.flush()
        events = [from_line(line) for line in process.stdout]
        assert process.wait(TIMEOUT) == 0
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the request is not one"),
        ("{", "the request is not one"),
        ('{"source": {"file": {"path": "x"}}}', "cache: Field required"),
        (
            '{"source": {"image": {"reference": "r", "path": "m.gguf"}}, "cache": "/c"}',
            "source.image is for a cluster",
        ),
    ],
)
def test_what_cannot_be_done_is_failed_in_one_line(program: Program, text: str, says: str) -> None:
    status, events, _ = program.run(text)
    assert status == 1
    assert isinstance(events[-1], Failed)
    assert says in events[-1].message


def test_the_token_shows_nowhere(program: Program, hub: FakeHub) -> None:
    hub.repos["org/tiny"].private = True
    hub.fail(FILE, Fault(status=503), Fault(garble=True))
    program.env |= {"HF_TOKEN": hub.token, "HF_DEBUG": "1"}
    status, events, err = program.run()
    assert status == 1
    assert events[-1].reason == "HashMismatch"
    assert "trying again in 1 s" in err
    assert hub.token not in err + repr(events)


def test_the_token_of_a_secret_counts_where_the_users_own_is_switched_off(program: Program, hub: FakeHub) -> None:
    hub.repos["org/tiny"].private = True
    program.env |= {"HF_TOKEN": hub.token, "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    assert program.run()[0] == 0


def test_offline_mode_comes_from_the_environment(program: Program, hub: FakeHub) -> None:
    program.env["HF_HUB_OFFLINE"] = "1"
    status, events, _ = program.run()
    assert (status, events[-1].reason) == (1, "Unreachable")
    assert hub.seen == []


def test_two_at_once_download_once(program: Program, hub: FakeHub) -> None:
    first, second = program.start(), program.start()
    with first, second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write(program.request() + "\n")
            process.stdin.flush()
        done = [from_line(process.communicate(timeout=TIMEOUT)[0].splitlines()[-1]) for process in (first, second)]
    assert done[0] == done[1]
    assert isinstance(done[0], Done)
    assert len(hub.of("storage")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_stopped_in_the_middle_it_leaves_what_came(
    program: Program, hub: FakeHub, gguf: bytes, number: signal.Signals
) -> None:
    hub.fail(FILE, Fault(stall_after=200_000))
    with program.start() as process:
        assert process.stdin is not None
        process.stdin.write(program.request() + "\n")
        process.stdin.flush()
        assert hub.stalled.wait(TIMEOUT)
        wait_for_size(program.partial, 200_000)
        process.send_signal(number)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert err == ""
    status, events, _ = program.run()
    assert status == 0
    assert Path(events[-1].path).read_bytes() == gguf
    assert hub.of("storage")[-1].range == f"bytes=200000-{len(gguf) - 1}"


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "auriga_operator.weights"], stdin=subprocess.PIPE)
child.stdin.write(sys.stdin.buffer.readline())
child.stdin.flush()
child.wait()
"""


def test_it_dies_with_its_parent(program: Program, hub: FakeHub) -> None:
    """The child writes into the pipe that the parent has from us: the pipe ends when both are gone."""
    hub.fail(FILE, Fault(stall_after=1000))
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=program.env, stdin=pipe, stdout=pipe, text=True
    ) as parent:
        assert parent.stdin is not None
        parent.stdin.write(program.request() + "\n")
        parent.stdin.flush()
        assert hub.stalled.wait(TIMEOUT)
        parent.kill()
        out, _ = parent.communicate(timeout=TIMEOUT)
    assert isinstance(from_line(out.splitlines()[0]), Resolved)


def test_a_parent_that_is_gone_already_is_noticed(program: Program, hub: FakeHub) -> None:
    status, events, _ = program.run(program.request(parentPid=1 << 22))
    assert (status, events) == (128 + signal.SIGTERM, [])
    assert hub.seen == []


def test_a_disk_that_fills_in_the_middle_is_named_and_the_rest_comes_later(
    program: Program, hub: FakeHub, gguf: bytes
) -> None:
    """A limit on the size of files: the one way to a failing write that needs no privileges."""
    limit = 300_000
    status, events, _ = program.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert status == 1
    assert events[-1].reason == "DiskFull"
    assert (
        f"no space for the weights in {program.partial.parent}: {(len(gguf) - limit) / 1000:.1f} kB"
        in events[-1].message
    )
    assert program.partial.stat().st_size == limit
    assert program.run()[0] == 0
    assert hub.of("storage")[-1].range == f"bytes={limit}-{len(gguf) - 1}"


def wait_for_size(path: Path, size: int) -> None:
    """Until the program has written what it was sent."""
    until(lambda: path.is_file() and path.stat().st_size >= size)

"""What the terminal says: one line for each thing that happens."""

from __future__ import annotations

import errno
import io
import threading
from pathlib import Path

import pytest
from rich.console import Console

from auriga_api.base import Condition
from auriga_api.manifests import Problem
from auriga_api.model import Download, ModelStatus, Phase
from auriga_cli.local.ending import Ending
from auriga_cli.local.live import table
from auriga_cli.local.report import Report, curl
from auriga_cli.local.trail import Trail, describe
from auriga_router.attempts import Attempt, Replied
from auriga_router.routing.outcome import Outcome

MIB = 1 << 20


def status(phase: Phase, reason: str = "", message: str = "", percent: int = 0, endpoint: str = "") -> ModelStatus:
    condition = Condition(type="Ready", status="False", reason=reason or phase, message=message)
    download = Download(bytes=percent * MIB, total_bytes=100 * MIB, percent=percent, eta="9s") if percent else None
    return ModelStatus(phase=phase, conditions=[condition], download=download, endpoint=endpoint)


def attempt(outcome: Outcome, model: str = "dead", request: str = "r1", status: int = 0) -> Attempt:
    return Attempt(request, "assistant", f"default/{model}", "127.0.0.1:9", outcome, status, 1.4, "openai", False)


class Output(io.StringIO):
    """Text, and the news that there is some."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


class Terminal:
    """A Report, and what it has printed."""

    def __init__(self, *, live: bool = False, attempts: str = "fallbacks") -> None:
        self.file = Output()
        console = Console(file=self.file, force_terminal=live, width=120, markup=False, highlight=False)
        self.report = Report(console, attempts)  # type: ignore[arg-type]

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def text(self) -> str:
        self.report.flush()
        return self.file.getvalue()


def test_a_model_on_its_way_is_told_step_by_step_and_no_step_twice() -> None:
    terminal = Terminal()
    steps = [
        status("Pending", "ResolvingWeights", "looking up its weights"),
        status("Downloading", message="7 MiB of 100 MiB", percent=7),
        status("Downloading", message="9 MiB of 100 MiB", percent=9),
        status("Downloading", message="21 MiB of 100 MiB", percent=21),
        status("Loading", message="for 0 s"),
        status("Loading", message="for 1 s"),
        status("Ready", "Serving", "4 requests at a time", endpoint="127.0.0.1:4100"),
    ]
    for step in steps:
        terminal.report.statuses({"default/m": step})
    assert terminal.lines == [
        "m: downloading: 7 MiB of 100 MiB",
        "m: downloading: 21 MiB of 100 MiB",
        "m: loading: for 0 s",
        "m: ready at 127.0.0.1:4100: 4 requests at a time",
    ]


def test_other_namespaces_are_named_and_removal_is_told() -> None:
    terminal = Terminal()
    terminal.report.statuses({"team/m": status("Failed", "NotGguf", "it is a text")})
    terminal.report.statuses({})
    assert terminal.lines == ["team/m: failed (NotGguf): it is a text", "team/m: removed"]


def test_what_comes_from_outside_cannot_command_the_terminal() -> None:
    terminal = Terminal()
    terminal.report.statuses({"default/m": status("Failed", "X", "\x1b[2J gone [bold]")})
    assert terminal.lines == ["m: failed (X): [2J gone [bold]"]


def test_the_last_lines_of_an_engine_are_shown_once_for_each_reason() -> None:
    terminal = Terminal()
    lines = tuple(f"line {number}" for number in range(20))
    crashed, killed = Ending("EngineCrashed", "it crashed", "r", lines), Ending("Killed", "it was killed", "r", lines)
    for ending, count in ((crashed, 1), (crashed, 2), (killed, 3)):
        terminal.report.engine_ended("default/m", ending, count, Path("/cache/m.log"))
    assert terminal.lines[0] == "m: its engine said (all of it: /cache/m.log):"
    assert terminal.lines[1:9] == [f"    line {number}" for number in range(12, 20)]
    assert terminal.lines[9] == "m: it crashed, 2 times in a row"
    assert len(terminal.lines) == 19


def test_what_an_engine_said_of_the_cause_is_shown_where_it_said_so() -> None:
    terminal = Terminal()
    lines = ("0.1.2.3 E gguf: no such file", "0.1.2.4 E exiting due to model loading error", *["cleaning", "up"])
    terminal.report.engine_ended(
        "default/m", Ending("EngineCrashed", "it crashed", "r", lines), 1, Path("/cache/m.log")
    )
    assert terminal.lines[1:] == ["    gguf: no such file"]


def test_an_engine_that_was_killed_is_one_line_and_its_return_another() -> None:
    """It had nothing to say of that: its last lines are of requests that went well."""
    terminal = Terminal()
    slots = ("0.00.5.1 I slot print_timing: id  1 | task 0 | eval time = 8 ms", "0.00.6.1 I slot release: id  1")
    killed = Ending("Killed", "the engine was killed", "r", slots)
    up = status("Ready", "Serving", "2 requests at a time", endpoint="127.0.0.1:4100")
    terminal.report.statuses({"default/m": up})
    terminal.report.engine_ended("default/m", killed, 1, Path("/cache/m.log"))
    for seconds in (1, 0):
        message = f"the engine was killed (next try in {seconds} s)"
        terminal.report.statuses({"default/m": status("Failed", "Killed", message)})
    terminal.report.statuses({"default/m": up})
    assert terminal.lines[1:] == [
        "m: failed (Killed): the engine was killed (next try in 1 s); its log: /cache/m.log",
        "m: ready at 127.0.0.1:4100: 2 requests at a time",
    ]


def test_a_stream_that_was_mended_is_one_line() -> None:
    terminal = Terminal()
    for outcome in (Outcome.CUT, Outcome.CONNECT, Outcome.OK):
        terminal.report.attempt(attempt(outcome))
    terminal.report.replied(Replied("r1", "assistant", 200))
    terminal.report.attempt(attempt(Outcome.STALL, request="r2"))
    terminal.report.replied(Replied("r2", "assistant", 200))
    assert terminal.lines == [
        "assistant: dead broke off (Cut, 1 ms), dead failed (Connect, 1 ms); dead went on",
        "assistant: dead broke off (Stall, 1 ms); nobody has gone on",
    ]


def test_problems_name_their_place_and_what_goes_on() -> None:
    terminal = Terminal()
    warning = Problem("a.yaml", 3, "RoleChain default/x", "no such Model", "warning")
    terminal.report.problems([warning], kept=True)
    assert terminal.lines == ["a.yaml:3: warning: RoleChain default/x: no such Model"]
    terminal.report.problems([Problem("a.yaml", 4, "Model default/m", "broken")], kept=True)
    assert terminal.lines[1].startswith("a.yaml:4: error: Model default/m: broken")
    assert "last good state" in terminal.lines[2]


def test_lines_wait_while_an_answer_is_printed() -> None:
    terminal = Terminal()
    with terminal.report.held():
        terminal.report.say("one")
        terminal.report.say("two")
        assert terminal.lines == []
    assert terminal.lines == ["one", "two"]


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        ("fallbacks", ["assistant: dead failed (Connect, 1 ms); demo answered"]),
        ("all", ["assistant: dead: Connect, 1 ms", "assistant: demo: Ok (HTTP 200), 1 ms"]),
        ("none", []),
    ],
)
async def test_attempts(mode: str, lines: list[str]) -> None:
    terminal = Terminal(attempts=mode)
    terminal.report.attempt(attempt(Outcome.CONNECT))
    terminal.report.attempt(attempt(Outcome.OK, "demo", status=200))
    assert terminal.lines == lines


def test_a_request_that_nobody_answers_is_told() -> None:
    terminal = Terminal()
    terminal.report.attempt(attempt(Outcome.CONNECT))
    terminal.report.attempt(attempt(Outcome.TIMEOUT, "slow"))
    terminal.report.replied(Replied("r1", "assistant", 502))
    terminal.report.replied(Replied("r1", "assistant", 502))
    assert terminal.lines == [
        "assistant: dead failed (Connect, 1 ms), slow failed (Timeout, 1 ms); nobody has answered"
    ]


@pytest.mark.parametrize(
    ("outcomes", "end"),
    [
        ([Outcome.OK], ""),
        ([Outcome.CLIENT_ERROR], ""),
        ([Outcome.CUT, Outcome.OK], "dead broke off (Cut, 1 ms); dead went on"),
        ([Outcome.SERVER_ERROR, Outcome.CLIENT_ERROR], "dead: ClientError"),
        ([Outcome.EMPTY, Outcome.CANCELLED], "the caller went away"),
        ([Outcome.RATE_LIMITED, Outcome.STALL, Outcome.CANCELLED], "the caller went away"),
    ],
)
def test_how_a_request_ended(outcomes: list[Outcome], end: str) -> None:
    trail = Trail()
    lines = [trail.add(attempt(outcome)) for outcome in outcomes]
    assert not any(lines[:-1])
    assert lines[-1].endswith(end)
    assert bool(lines[-1]) == bool(end)


def test_requests_without_an_end_are_forgotten_at_some_point() -> None:
    trail = Trail()
    for number in range(2000):
        trail.add(attempt(Outcome.CONNECT, request=str(number)))
    assert trail.replied("0") == ""
    assert trail.replied("1999") != ""


def test_an_attempt_without_a_response_has_no_status() -> None:
    assert describe(attempt(Outcome.TIMEOUT)) == "assistant: dead: Timeout, 1 ms"


def test_a_terminal_gets_a_live_table_that_goes_away() -> None:
    terminal = Terminal(live=True)
    terminal.report.statuses({"default/m": status("Downloading", percent=42)})
    assert "42 %, 42 MiB of 100 MiB, 9s left" in terminal.text
    terminal.report.statuses({"default/m": status("Ready", "Serving", "all well")})
    assert "m: ready: all well" in terminal.text
    assert "\x1b[?25h" in terminal.text, "the cursor is back"
    terminal.report.close()


def test_a_row_of_the_table() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table({"default/m": status("Loading", message="for 3 s")}))
    assert "loading" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "for 3 s" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_line_to_copy_is_one_shell_line() -> None:
    line = curl("http://127.0.0.1:8080", "assistant")
    assert "\n" not in line
    assert line.startswith("curl http://127.0.0.1:8080/v1/chat/completions ")


def test_a_held_terminal_holds_nobody() -> None:
    """Ctrl-S, or a pipe that nobody reads: the lines wait, and the event loop that gave them does not."""
    terminal = Terminal()
    released = threading.Event()
    written = terminal.file.write

    def hold(text: str) -> int:
        released.wait()
        return written(text)

    terminal.file.write = hold  # type: ignore[method-assign]
    terminal.report.say("one")
    terminal.report.say("two")
    assert terminal.file.getvalue() == ""
    released.set()
    assert terminal.lines == ["one", "two"]


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    terminal = Terminal()
    written = terminal.file.write

    def gone(text: str) -> int:
        terminal.file.write = written  # type: ignore[method-assign]
        raise OSError(errno.EIO, "Input/output error")

    terminal.file.write = gone  # type: ignore[method-assign]
    terminal.report.say("one")
    terminal.report.say("two")
    assert terminal.lines[-1] == "two"

"""The command as a process of its own: exit codes, Ctrl-C, a terminal, and no terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support import fake_auriga
from support.fake_auriga import FakeAuriga, Reply

ROOT = Path(__file__).parents[2]
SECONDS = 30
HEADERS = {"x-auriga-model": "demo", "x-auriga-attempts": "demo"}


@pytest.fixture
def server() -> Iterator[FakeAuriga]:
    with fake_auriga.running() as server:
        yield server


# The terminal becomes the child's own, as a shell would have it: only then does ^C send a signal.
LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


def start(
    *args: str, before: tuple[str, ...] = (), more: dict[str, str] | None = None, **streams: int
) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if name not in ("AURIGA_URL", "FORCE_COLOR", "NO_COLOR")}
    return subprocess.Popen(
        [sys.executable, *before, "-m", "auriga_cli", *args],
        text=True,
        cwd=ROOT,
        env={**env, "TERM": "xterm", **(more or {})},
        **streams,
    )


def piped(*args: str) -> subprocess.CompletedProcess[str]:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(*args, **pipes) as child:
        out, err = child.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(args, child.returncode, out, err)


class Terminal:
    """A child on a terminal of its own, and what stands on its screen."""

    def __init__(self, *args: str, more: dict[str, str] | None = None) -> None:
        self.end, child_end = pty.openpty()
        self.child = start(*args, before=("-c", LOGIN), more=more, stdin=child_end, stdout=child_end, stderr=child_end)
        os.close(child_end)
        self.screen = self.raw = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        self.child.kill()
        self.child.wait(SECONDS)
        os.close(self.end)

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())

    def until(self, text: str) -> None:
        """Reads until `text` is on the screen; what came before is forgotten."""
        deadline = time.monotonic() + SECONDS
        while text not in self.screen:
            ready, _, _ = select.select([self.end], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} never came; the screen: {self.screen!r}"
            part = os.read(self.end, 4096).decode(errors="replace")
            self.raw += part
            self.screen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", part)
        self.screen = self.screen.partition(text)[2]

    def ended(self) -> int:
        return self.child.wait(SECONDS)

    def ended_by(self, key: str) -> int:
        """Presses `key` again and again, as a person does: CPython forgets a ^C that comes between the printing of a
        prompt and the waiting for its first character, until the next one comes."""
        for _ in range(SECONDS):
            self.type(key)
            with suppress(subprocess.TimeoutExpired):
                return self.child.wait(1)
        pytest.fail(f"{key!r} did not end it; the screen: {self.screen!r}")


def test_ctrl_c_stops_the_answer_and_hangs_up(server: FakeAuriga) -> None:
    """Hanging up is what frees the model: nothing else tells the server."""
    server.replies = [Reply(["half "], HEADERS, end="hold")]
    with start("chat", "r", "hi", "--url", server.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert server.held.wait(SECONDS)
        assert child.stdout is not None
        assert child.stdout.read(5) == "half "
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=SECONDS)
    assert (child.returncode, out) == (130, "\n")
    assert "Traceback" not in err
    assert server.gone.wait(SECONDS)


def test_a_conversation_on_a_terminal(server: FakeAuriga) -> None:
    server.replies = [Reply(["Hello!"], HEADERS), Reply(["slow"], HEADERS, end="hold"), Reply(["Again."], HEADERS)]
    with Terminal("chat", "assistant", "--url", server.url) as terminal:
        terminal.until("Talking to assistant")
        terminal.until("> ")
        terminal.type("hi\n")
        terminal.until("Hello!")
        terminal.until("> ")
        terminal.type("count\n")
        terminal.until("slow")
        terminal.type("\x03")
        terminal.until("stopped")
        terminal.until("> ")
        terminal.type("once more\n")
        terminal.until("Again.")
        terminal.until("> ")
        terminal.type("\x04")
        assert terminal.ended() == 0
    assert server.gone.is_set()
    said = [message["content"] for message in server.requests[-1]["messages"]]
    assert said == ["hi", "Hello!", "count", "slow", "once more"]


def test_an_error_does_not_end_a_conversation_and_ctrl_c_at_the_prompt_does(server: FakeAuriga) -> None:
    server.replies = [Reply(status=503, body='{"error": {"message": "all busy"}}'), Reply(["Hello!"], HEADERS)]
    with Terminal("chat", "assistant", "--url", server.url) as terminal:
        terminal.until("> ")
        terminal.type("hi\n")
        terminal.until("error: all busy")
        terminal.until("> ")
        terminal.type("hi again\n")
        terminal.until("Hello!")
        terminal.until("> ")
        assert terminal.ended_by("\x03") == 0
    assert [message["content"] for message in server.requests[-1]["messages"]] == ["hi again"]


def test_a_conversation_with_nobody_does_not_begin() -> None:
    with Terminal("chat", "assistant", "--url", "http://127.0.0.1:9") as terminal:
        terminal.until("no Auriga at http://127.0.0.1:9")
        assert terminal.ended() == 4


def test_a_terminal_sees_thoughts_and_a_pipe_does_not(server: FakeAuriga) -> None:
    thought = 'data: {"choices": [{"delta": {"reasoning_content": "let me see"}}]}'
    answer = 'data: {"choices": [{"delta": {"content": "42"}, "finish_reason": "stop"}]}'
    server.replies = [Reply(headers=HEADERS, lines=[thought, answer], end="clean end") for _ in range(2)]
    with Terminal("chat", "r", "why", "--url", server.url) as terminal:
        terminal.until("let me see")
        terminal.until("42")
        assert terminal.ended() == 0
    ran = piped("chat", "r", "why", "--url", server.url)
    assert (ran.returncode, ran.stdout) == (0, "42\n")
    assert "let me see" not in ran.stderr


def test_a_status_is_watched_in_place(server: FakeAuriga) -> None:
    """And goes on being watched while the server is away: it may only be restarting."""
    server.status = {"models": [], "roleChains": []}
    with Terminal("status", "--watch", "--url", server.url) as terminal:
        terminal.until("no Models")
        server.status_code = 503
        terminal.until("answers HTTP 503 to /status")
        server.status_code = 200
        terminal.until("no Models")
        terminal.type("\x03")
        assert terminal.ended() == 130


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--help",), 0),
        (("-h",), 0),
        (("version",), 0),
        (("--version",), 0),
        (("verson",), 2),
        (("chat",), 2),
        (("chat", "r", "hi", "--temperature", "9"), 2),
        (("chat", "r", "hi", "--url", "http://127.0.0.1:9"), 4),
        (("status", "--url", "http://127.0.0.1:9"), 4),
    ],
)
def test_exit_codes_and_plain_text_without_a_terminal(args: tuple[str, ...], code: int) -> None:
    ran = piped(*args)
    assert ran.returncode == code
    assert "\x1b" not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_mistyped_command_gets_the_near_one() -> None:
    assert "Did you mean 'version'?" in piped("verson").stderr


def test_a_reader_that_leaves_early_ends_it_quietly(server: FakeAuriga) -> None:
    server.replies = [Reply(["word "] * 20_000, HEADERS)]
    with start("chat", "r", "hi", "-q", "--url", server.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(4)
        child.stdout.close()
        assert child.stderr is not None
        err = child.stderr.read()
        assert child.wait(SECONDS) == 1
    assert "Traceback" not in err


def test_no_color_is_honoured_on_a_terminal(server: FakeAuriga) -> None:
    server.status = {"models": [{"namespace": "default", "name": "m", "phase": "Failed"}], "roleChains": []}
    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with Terminal("status", "--url", server.url, more=more) as terminal:
            terminal.until("no roles")
            assert terminal.ended() == 0
            assert bool(colours.search(terminal.raw)) == coloured


def test_a_prompt_in_another_encoding_is_asked_nevertheless(server: FakeAuriga) -> None:
    server.replies = [Reply(["\u00fc"], HEADERS)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start("chat", "r", "-q", "--url", server.url, more={"PYTHONIOENCODING": "ascii"}, **pipes) as child:
        assert child.stdin is not None
        child.stdin.buffer.write(b"caf\xe9")
        out, err = child.communicate(timeout=SECONDS)
    assert (child.returncode, out, err) == (0, "?\n", "")
    assert server.requests[0]["messages"][0]["content"] == "caf\ufffd"


def test_help_imports_nothing_heavy() -> None:
    """`auriga --help` and shell completion must answer at once; time itself cannot be asserted on a busy machine."""
    heavy = ["httpx", "pydantic", "huggingface_hub", "openai", "uvloop", "gguf", "numpy", "yaml", "auriga_router"]
    code = f"import sys, auriga_cli.main; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_a_shell_completes_what_a_running_auriga_answers_to(server: FakeAuriga) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for url, completed in ((server.url, "assistant\ndemo"), ("http://127.0.0.1:9", ""), ("nonsense://", "")):
        words = {"COMP_WORDS": "auriga chat ", "COMP_CWORD": "2", "_AURIGA_COMPLETE": "complete_bash"}
        with start(more={**words, "AURIGA_URL": url}, **pipes) as child:
            out, err = child.communicate(timeout=SECONDS)
        assert (out.strip(), err) == (completed, "")


LOADING = {
    "namespace": "default", "name": "demo", "phase": "Loading", "message": "its engine loads the weights, 3 s so far",
}  # fmt: skip
CHAIN = {"namespace": "default", "name": "c", "role": "coding", "members": [{"model": "gone"}, {"model": "demo"}]}
ERASED = "\x1b[2K"


def test_while_a_model_loads_a_terminal_shows_how_far_it_is(server: FakeAuriga) -> None:
    begin = threading.Event()
    server.status = {"models": [LOADING], "roleChains": [CHAIN]}
    server.replies = [Reply(["Hello!"], HEADERS, begin=begin)]
    with Terminal("chat", "coding", "hi", "--url", server.url) as terminal:
        terminal.until("demo: loading: its engine loads the weights, 3 s so far")
        download = {"percent": 37, "eta": "2m"}
        server.status["models"] = [LOADING | {"phase": "Downloading", "message": "1 of 3 GiB", "download": download}]
        terminal.until("demo: downloading: 1 of 3 GiB, 2m left")
        begin.set()
        terminal.until("Hello!")
        assert terminal.ended() == 0
    assert ERASED in terminal.raw.rpartition("2m left")[2].partition("demo answers")[0]

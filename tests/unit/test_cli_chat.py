"""`auriga chat` against a server that answers in every way there is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from support import fake_auriga
from support.command import auriga
from support.fake_auriga import FakeAuriga, Reply

FALLBACK = {"x-auriga-model": "demo", "x-auriga-attempts": "dead;outcome=Connect;ms=1, demo", "x-request-id": "r1"}
ATTEMPTS = [{"member": "dead", "outcome": "Connect", "ms": 1}, {"member": "slow", "outcome": "Timeout", "ms": 2000}]


@pytest.fixture(scope="module")
def _server() -> Iterator[FakeAuriga]:
    with fake_auriga.running() as server:
        yield server


@pytest.fixture
def server(_server: FakeAuriga) -> FakeAuriga:
    _server.replies.clear()
    _server.requests.clear()
    return _server


def test_the_answer_goes_to_stdout_and_who_gave_it_to_stderr(server: FakeAuriga) -> None:
    server.replies = [Reply(["Hel", "lo!"], FALLBACK)]
    ran = auriga("chat", "coding", "hi", "--url", server.url)
    assert (ran.code, ran.out) == (0, "Hello!\n")
    assert "demo answers, after dead: Connect (1 ms)\n" in ran.err
    assert "2 tokens, the first after" in ran.err
    assert server.requests[0]["messages"] == [{"role": "user", "content": "hi"}]


def test_options_go_into_the_request(server: FakeAuriga) -> None:
    server.replies = [Reply(["ok"])]
    auriga("chat", "r", "hi", "-s", "be brief", "--temperature", "0", "--max-tokens", "7", AURIGA_URL=server.url)
    request = server.requests[0]
    assert request["messages"][0] == {"role": "system", "content": "be brief"}
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("r", 0.0, 7)
    assert request["stream"] is True


def test_a_piped_prompt_is_asked_as_it_is(server: FakeAuriga) -> None:
    server.replies = [Reply(["ok"])]
    ran = auriga("chat", "r", "-q", "--url", server.url, stdin="line one\n  line two\n")
    assert (ran.code, ran.out, ran.err) == (0, "ok\n", "")
    assert server.requests[0]["messages"][0]["content"] == "line one\n  line two\n"


def test_json_is_one_object_with_everything(server: FakeAuriga) -> None:
    server.replies = [Reply(["Hel", "lo"], FALLBACK)]
    ran = auriga("chat", "r", "hi", "-o", "json", "--url", server.url)
    told = json.loads(ran.out)
    assert (ran.code, told["error"], told["content"], told["model"]) == (0, None, "Hello", "demo")
    assert told["attempts"][0] == {"member": "dead", "outcome": "Connect", "milliseconds": 1}
    assert (told["tokens"], told["finishReason"], told["requestId"]) == (2, "stop", "r1")


def test_what_a_terminal_would_execute_is_taken_out(server: FakeAuriga) -> None:
    server.replies = [Reply(["a\x1b[2J", "b\x9b1mc\x07\r\n\td", "[bold]e[/bold]"], {"x-auriga-model": "x"})]
    ran = auriga("chat", "r", "hi", "--url", server.url)
    assert ran.out == "a[2Jb1mc\n\td[bold]e[/bold]\n"


def test_text_that_other_line_readers_break_up_comes_whole(server: FakeAuriga) -> None:
    server.replies = [Reply(["one\u2028two\x85three"])]
    assert auriga("chat", "r", "hi", "-o", "json", "--url", server.url).code == 0


def test_an_error_shows_what_was_tried(server: FakeAuriga) -> None:
    body = {"error": {"message": "no member of coding could answer", "type": "upstream_error", "attempts": ATTEMPTS}}
    server.replies = [Reply(status=502, body=json.dumps(body))]
    ran = auriga("chat", "coding", "hi", "--url", server.url)
    lines = [line.split() for line in ran.err.splitlines()]
    assert ran.code == 1
    assert ran.err.startswith("error: no member of coding could answer\n")
    assert lines[1:] == [["TRIED", "OUTCOME", "MS"], ["dead", "Connect", "1"], ["slow", "Timeout", "2000"]]


def test_an_error_as_json(server: FakeAuriga) -> None:
    body = {"error": {"message": "nobody", "attempts": ATTEMPTS}}
    server.replies = [Reply(status=502, body=json.dumps(body))]
    ran = auriga("chat", "coding", "hi", "-o", "json", "--url", server.url)
    told = json.loads(ran.out)
    assert (ran.code, told["error"]) == (1, "nobody")
    assert told["attempts"][1] == {"member": "slow", "outcome": "Timeout", "milliseconds": 2000}


def test_an_error_in_the_middle_of_a_stream(server: FakeAuriga) -> None:
    server.replies = [Reply(["half "], FALLBACK, "clean end", lines=['data: {"error": {"message": "it broke"}}'])]
    ran = auriga("chat", "r", "hi", "--url", server.url)
    assert (ran.code, ran.out) == (1, "half \n")
    assert "error: it broke\n" in ran.err


@pytest.mark.parametrize(
    ("end", "said"), [("cut", "the connection broke in the middle"), ("clean end", "ended before its end was said")]
)
def test_an_answer_that_breaks_off_is_no_success(server: FakeAuriga, end: fake_auriga.End, said: str) -> None:
    server.replies = [Reply(["half"], end=end), Reply(["half"], end=end)]
    ran = auriga("chat", "r", "hi", "--url", server.url)
    assert (ran.code, ran.out) == (1, "half\n")
    assert said in ran.err
    told = json.loads(auriga("chat", "r", "hi", "-o", "json", "--url", server.url).out)
    assert told["content"] == "half"
    assert said in told["error"]


def test_a_server_that_falls_silent(server: FakeAuriga) -> None:
    server.replies = [Reply(["half"], end="hold")]
    ran = auriga("chat", "r", "hi", "--timeout", "1s", "--url", server.url)
    assert (ran.code, ran.out) == (1, "half\n")
    assert "error: the answer stopped coming\n" in ran.err


def test_a_reply_that_is_no_stream(server: FakeAuriga) -> None:
    body = {"model": "plain", "choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}
    server.replies = [Reply(body=json.dumps(body))]
    ran = auriga("chat", "r", "hi", "--url", server.url)
    assert (ran.code, ran.out) == (0, "whole\n")
    assert ran.err.startswith("1 token, the first after ")
    assert ran.err.endswith(", by plain\n")


@pytest.mark.parametrize("body", ["<html>hello</html>", "", '{"detail": "Not Found"}'])
def test_a_server_that_is_no_auriga(server: FakeAuriga, body: str) -> None:
    server.replies = [Reply(status=404, body=body, content_type="text/html")]
    ran = auriga("chat", "r", "hi", "--url", server.url)
    assert ran.code == 4
    assert "answers HTTP 404 to /v1/chat/completions, and not as an Auriga does" in ran.err


def test_nobody_there() -> None:
    ran = auriga("chat", "r", "hi", "--url", "http://127.0.0.1:9")
    assert ran.code == 4
    assert ran.err.startswith("error: no Auriga at http://127.0.0.1:9: start one with `auriga up -f FILE`")


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://[::1", "http://a:b", "", "/v1"])
def test_an_address_that_is_none(url: str) -> None:
    ran = auriga("chat", "r", "hi", "--url", url)
    assert ran.code == 2
    assert ran.err.startswith("error: --url ")


@pytest.mark.parametrize("form", ["{}/", "{}/v1", "{}/v1/", "{}//", "{}/v1?x=1#y"])
def test_the_address_may_be_written_as_other_clients_take_it(server: FakeAuriga, form: str) -> None:
    server.replies = [Reply(["ok"])]
    assert auriga("chat", "r", "hi", "--url", form.format(server.url)).code == 0


def test_a_proxy_is_not_asked_for_this_machine(server: FakeAuriga) -> None:
    server.replies = [Reply(["ok"])]
    assert auriga("chat", "r", "hi", "--url", server.url, HTTP_PROXY="http://127.0.0.1:9").code == 0


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    ran = auriga("chat", "r", prompt)
    assert (ran.code, ran.err) == (2, "error: nothing to ask: the prompt is empty\n")
    assert auriga("chat", "r", stdin=prompt).code == 2

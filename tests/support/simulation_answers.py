"""What an endpoint in the world of ``simulation`` says, in each dialect.

It knows the whole answer. Asked to go on with a part of it, it gives the rest, in the way that llama-server
(``/apply-template``, ``/v1/completions``) or a provider (the text as the last turn) does. Each word is a token to it,
also those of its prompt.
"""

from __future__ import annotations

import json
from typing import Any

from support import upstreams_scripts as scripts

WORDS = [f"word{number} " for number in range(8)]
TEXT = "".join(WORDS)
TURN = "<|assistant|>"
ARGUMENTS = '{"city": "Paris", "days": 3}'
_BEGUN = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
CALL = [
    scripts.event({"tool_calls": [piece]})
    for piece in (
        _BEGUN,
        *({"index": 0, "function": {"arguments": part}} for part in (ARGUMENTS[:9], ARGUMENTS[9:20], ARGUMENTS[20:])),
    )
]
"""Events of a call after the words, in a chat."""
PROMPT = 3
"""Tokens of what was asked, as every endpoint counts them."""
MOST = 100
"""Tokens that an answer may have, where a request says so."""
Rest = tuple[list[bytes], list[bytes], list[bytes]]
"""Events of a stream: before the words, the words, and after them."""


def whole_of(path: str, *, calls: bool) -> bytes:
    """An answer that is not streamed. ``calls``: it ends with the call of a tool."""
    answer = {"/v1/chat/completions": _chat(calls=calls), "/v1/completions": _whole_completion()}
    return answer.get(path) or _message(calls=calls)


def rest_of(path: str, asked: dict[str, Any], *, calls: bool) -> Rest:
    """The stream that answers this request."""
    told = bool((asked.get("stream_options") or {}).get("include_usage"))
    if path == "/v1/completions":
        left, usage = _left(asked["prompt"].rpartition(TURN)[2], asked)
        counts = [_usage("text_completion", usage)] if told else []
        return [], [_completion(word) for word in left], [_completion("", "stop"), *counts, scripts.DONE]
    last = asked["messages"][-1]
    said = last["content"] if last["role"] == "assistant" else ""
    if isinstance(said, list):
        said = "".join(block["text"] for block in said)
    left, usage = _left(said, asked)
    if "messages" in path.rsplit("/", 1)[1]:
        return _messages(left, usage, calls=calls)
    words = [*(scripts.event({"content": word}) for word in left), *(CALL if calls else ())]
    counts = [_usage("chat.completion.chunk", usage)] if told else []
    return [scripts.ROLE], words, [scripts.event({}, "tool_calls") if calls else scripts.FINISH, *counts, scripts.DONE]


def _left(said: str, asked: dict[str, Any]) -> tuple[list[str], tuple[int, int]]:
    """The rest of the answer, in pieces; and what that takes, prompt and answer."""
    assert TEXT.startswith(said), f"not a part of the answer: {said!r}"
    count = next(count for count in range(len(WORDS) + 1) if len("".join(WORDS[:count])) >= len(said))
    most = {asked[name] for name in ("max_tokens", "max_completion_tokens", "max_output_tokens") if asked.get(name)}
    assert most <= {MOST - count}, f"of {MOST} tokens {count} are said: {most} more may not come"
    rest = TEXT[len(said) :]
    words = WORDS[count:]
    missing = rest.removesuffix("".join(words))
    return [missing, *words] if missing else words, (PROMPT + count, len(words))


def _counts(prompt: int, answer: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _usage(kind: str, usage: tuple[int, int]) -> bytes:
    name = "cmpl-2" if kind == "text_completion" else "chatcmpl-1"
    whole = {"id": name, "object": kind, "created": 1, "model": "m", "choices": [], "usage": _counts(*usage)}
    return b"data: %s\n\n" % json.dumps(whole).encode()


def _completion(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    return b"data: %s\n\n" % json.dumps({"id": "cmpl-2", "object": "text_completion", "choices": [choice]}).encode()


def _whole_completion() -> bytes:
    choice = {"index": 0, "text": TEXT, "finish_reason": "stop"}
    whole = {"id": "cmpl-2", "object": "text_completion", "choices": [choice], "usage": _counts(PROMPT, len(WORDS))}
    return json.dumps(whole).encode()


def _chat(*, calls: bool) -> bytes:
    whole = json.loads(scripts.answer(TEXT, "tool_calls" if calls else "stop"))
    whole["usage"] = _counts(PROMPT, len(WORDS))
    if calls:
        call = _BEGUN | {"function": {"name": "f", "arguments": ARGUMENTS}}
        whole["choices"][0]["message"]["tool_calls"] = [{key: call[key] for key in ("id", "type", "function")}]
    return json.dumps(whole).encode()


def _named(kind: str, **more: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind} | more).encode())


def _messages(words: list[str], usage: tuple[int, int], *, calls: bool) -> Rest:
    counts = {"input_tokens": usage[0], "output_tokens": min(usage[1], 1)}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None,
               "stop_sequence": None, "usage": counts}  # fmt: skip
    start = [
        _named("message_start", message=message),
        _named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    ]
    deltas = [_named("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words]
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    end = [
        _named("content_block_stop", index=int(calls)),
        _named("message_delta", delta=stop, usage={"output_tokens": usage[1]}),
        _named("message_stop"),
    ]
    return start, [*deltas, *(_CALL_IN_MESSAGES if calls else ())], end


_CALL_IN_MESSAGES = [
    _named("content_block_stop", index=0)
    + _named("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}),
    *(
        _named("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": part})
        for part in (ARGUMENTS[:9], ARGUMENTS[9:20], ARGUMENTS[20:])
    ),
]


def _message(*, calls: bool) -> bytes:
    content: list[dict[str, Any]] = [{"type": "text", "text": TEXT}]
    if calls:
        content.append({"type": "tool_use", "id": "t", "name": "f", "input": json.loads(ARGUMENTS)})
    return json.dumps({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": PROMPT, "output_tokens": len(WORDS)},
    }).encode()  # fmt: skip

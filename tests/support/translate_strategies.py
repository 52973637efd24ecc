"""Hypothesis strategies for conversations and answers, in the canonical form."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import strategies as st

from auriga_router.translate.answer import Answer, AnswerPart, Stop, Usage
from auriga_router.translate.canonical import (
    EFFORTS,
    Document,
    Image,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

characters = st.characters(exclude_categories=["Cs"])
words = st.text(characters, min_size=1, max_size=40) | st.sampled_from(
    [
        "Hello",
        " world",
        "\n",
        '"quoted"\\',
        "data: [DONE]\n\n",
        "</thought>",
        "🙂",
        "\u2028",
        "{",
        '"error"',
        "\r\n\r\n",
    ]
)
said = words.filter(lambda text: bool(text.strip()))
"""What Anthropic takes as a text block of a request."""
names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,20}", fullmatch=True)
base64 = st.binary(min_size=1, max_size=12).map(lambda data: __import__("base64").b64encode(data).decode())
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(words, values, max_size=4)
arguments = objects.map(lambda value: orjson.dumps(value).decode())
"""As orjson writes them, so that what is parsed and written again is the same."""
counts = st.integers(0, 100_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, written, rest = draw(counts), draw(counts), draw(counts)
    output = draw(counts)
    return Usage(cached + written + rest + 1, cached, written, output, draw(st.integers(0, output)))


def calls(signatures: bool = False) -> st.SearchStrategy[list[ToolCall]]:
    signature = st.just("") | base64 if signatures else st.just("")
    call = st.builds(ToolCall, st.from_regex(r"call_[a-zA-Z0-9]{1,12}", fullmatch=True), names, arguments, signature)
    return st.lists(call, max_size=3, unique_by=lambda made: made.id)


def _stop(content: tuple[AnswerPart, ...], others: list[Stop]) -> st.SearchStrategy[Stop]:
    called = any(isinstance(part, ToolCall) for part in content)
    return st.sampled_from([Stop.TOOL_USE, Stop.LENGTH] if called else others)


@st.composite
def chat_answers(draw: st.DrawFn, signatures: bool = False) -> Answer:
    """What a chat server can say: thoughts, then words, then a refusal, then calls; each at most once."""
    content: tuple[AnswerPart, ...] = (
        *draw(st.lists(st.builds(Reasoning, words), max_size=1)),
        *draw(st.lists(st.builds(Text, words), max_size=1)),
        *draw(st.lists(st.builds(Refusal, words), max_size=1)),
        *draw(calls(signatures)),
    )
    stop = draw(_stop(content, [Stop.END, Stop.LENGTH, Stop.REFUSAL]))
    usage = draw(st.none() | usages())
    return Answer(draw(_ids("chatcmpl-")), draw(names), draw(st.integers(1, 2**31)), content, stop, usage=usage)


@st.composite
def messages_answers(draw: st.DrawFn) -> Answer:
    """What Anthropic can say: blocks in any order."""
    block = (
        st.builds(Text, words)
        | st.builds(Reasoning, words, base64)
        | st.builds(Reasoning, st.just(""), base64)
        | st.builds(RedactedReasoning, base64)
    )
    content: tuple[AnswerPart, ...] = (*draw(st.lists(block, max_size=4)), *draw(calls()))
    content = tuple(draw(st.permutations(content)))
    stop = draw(_stop(content, [stop for stop in Stop if stop is not Stop.TOOL_USE]))
    sequence = draw(words) if stop is Stop.STOP_SEQUENCE else None
    return Answer(draw(_ids("msg_")), draw(names), 0, content, stop, sequence, draw(usages()))


def _ids(prefix: str) -> st.SearchStrategy[str]:
    return st.from_regex(r"[a-zA-Z0-9]{1,24}", fullmatch=True).map(lambda bare: prefix + bare)


texts = st.builds(Text, said)
images = st.builds(Image, st.sampled_from(["image/png", "image/jpeg"]), base64) | st.builds(
    Image, url=st.just("https://example.com/a.png")
)
documents = st.builds(Document, st.just("application/pdf"), base64, title=names)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns that chat completions and Messages can both express; calls are answered in the turn after them."""
    turns: list[Message] = []
    if draw(st.booleans()):
        turns.append(Message("system", tuple(draw(st.lists(texts, min_size=1, max_size=2)))))
    results: list[Part] = []
    for number in range(draw(st.integers(1, 4))):
        spoken = draw(st.lists(texts | images | documents, min_size=0 if results else 1, max_size=3))
        turns.append(Message("user", (*results, *spoken)))
        made = [ToolCall(f"{call.id}_{number}", call.name, call.arguments) for call in draw(calls())]
        answer: list[Part] = [*draw(st.lists(texts, min_size=0 if made else 1, max_size=2)), *made]
        turns.append(Message("assistant", tuple(answer)))
        results = [ToolResult(call.id, tuple(draw(st.lists(texts, max_size=2)))) for call in made]
    turns.append(Message("user", (*results, *draw(st.lists(texts, min_size=1, max_size=2)))))
    return tuple(turns)


tools = st.lists(
    st.builds(Tool, names, words | st.just(""), st.just({"type": "object", "properties": {"a": {"type": "string"}}})),
    max_size=3,
    unique_by=lambda tool: tool.name,
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests that chat completions and Messages can both express."""
    offered = tuple(draw(tools))
    choices: list[ToolChoice | None] = [None, ToolChoice("auto"), ToolChoice("any"), ToolChoice("none")]
    choices += [ToolChoice("tool", tool.name) for tool in offered]
    choice = draw(st.sampled_from(choices)) if offered else None
    parallel = draw(st.none() | st.booleans()) if choice is not None and choice.mode != "none" else None
    schema = st.builds(OutputFormat, st.just({"type": "object", "additionalProperties": False}), strict=st.just(True))
    return Request(
        model=draw(names),
        messages=draw(conversations()),
        stream=draw(st.booleans()),
        max_tokens=draw(st.integers(1, 100_000)),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 100)),
        stop=tuple(draw(st.lists(words, max_size=3))),
        tools=offered,
        tool_choice=choice,
        parallel_tools=parallel,
        output=draw(st.none() | schema),
        thinking=draw(st.just(Thinking()) | st.sampled_from(EFFORTS[1:]).map(lambda word: Thinking(effort=word))),
        user=draw(st.none() | words),
    )


def cuts(data: st.DataObject) -> Any:
    """A function that cuts texts anywhere."""

    def cut(text: str) -> list[str]:
        places = sorted(
            set(data.draw(st.lists(st.integers(1, max(len(text) - 1, 1)), max_size=3))) & set(range(1, len(text)))
        )
        edges = [0, *places, len(text)]
        return [text[start:end] for start, end in itertools.pairwise(edges) if text[start:end]]

    return cut


def pieces(data: st.DataObject, body: bytes) -> list[bytes]:
    """The bytes, cut anywhere."""
    places = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    edges = [0, *places, len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]

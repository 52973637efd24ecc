"""How an endpoint is asked to go on with an answer: which requests, and where its reply begins. Pure.

What works where was tried with real servers: docs/adr/0021-resume.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import orjson

from auriga_router.call import Call
from auriga_router.completions import Continuation
from auriga_router.table import Backend
from auriga_router.translate import Identity, RequestError, Start, Tape, Wire, continuation, decoder, write_request
from auriga_router.translate.fields import to_json
from auriga_router.translate.numbers import whole
from auriga_router.translate.stream import Decoder
from auriga_router.translate.thoughts import Thinking, closing_tag

Document = dict[str, Any]
_LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")
_SHAPED = ("tools", "functions", "response_format", "grammar", "json_schema", "logprobs")
"""Fields that make a server do more with an answer than to pass on the model's text."""
_OF_CHATS = ("messages", "max_completion_tokens", "n_predict", "chat_template_kwargs", "tool_choice")
_NOBODY = Identity("", 0)


class Way(Protocol):
    """One way to ask."""

    start: Start

    @property
    def streams(self) -> bool:
        """Is the next step's reply the stream?"""

    def step(self) -> tuple[bytes, bytes]:
        """Path and body of the next request."""

    def take(self, status: int, body: bytes) -> Way | None:
        """The way on, after a reply that is no stream; None if it leads nowhere."""

    def decoder(self) -> Decoder:
        """Reads the stream that the last step leads to."""


def way(call: Call, backend: Backend, tape: Tape) -> Way:
    """The way to ask one of this backend's endpoints. Raises RequestError where there is none."""
    if call.operation.wire is None:
        return Continuation(orjson.loads(call.body_for(backend)), tape, external=backend.external)
    if not backend.external:
        return _way_of_llama_server(_limited(_chat(call, backend), tape), tape)
    if tape.text and not backend.target.prefill:
        raise RequestError("the model does not go on where an answer ends")
    if backend.wire is Wire.CHAT and call.wire is Wire.CHAT:
        document = _prefilled(_limited(_chat(call, backend), tape), tape, thoughts=False)
        if tape.text:  # vLLM begins a new turn unless it is told not to; most others ignore what they do not know
            document |= {"continue_final_message": True, "add_generation_prompt": False}
        return Asking(Wire.CHAT, to_json(document), Start(tape.text, tape.text_tokens, repeats=True))
    request, text = continuation(call.asked.request, tape)
    body = write_request(backend.wire, request, backend.target).body
    return Asking(backend.wire, body, Start(text, tape.text_tokens, repeats=backend.wire is Wire.CHAT))


def _way_of_llama_server(document: Document, tape: Tape) -> Way:
    repeats = bool(tape.text)  # versions differ
    start = Start(tape.text, tape.tokens, repeats, tape.thinking)
    prefill = Asking(Wire.CHAT, to_json(_prefilled(document, tape)), start)
    shaped = any(document.get(name) for name in _SHAPED)
    return prefill if shaped or not _only_text(document["messages"]) else Template(document, tape, prefill)


class Asking:
    """One request whose last turn is the start of the answer."""

    streams = True

    def __init__(self, wire: Wire, body: bytes, start: Start) -> None:
        self._wire = wire
        self._body = body
        self.start = start

    def step(self) -> tuple[bytes, bytes]:
        """See Way."""
        return self._wire.value, self._body

    def take(self, status: int, body: bytes) -> Way | None:
        """See Way. Only a stream will do."""
        return None

    def decoder(self) -> Decoder:
        """See Way."""
        return decoder(self._wire, _NOBODY)


class Template:
    """llama-server's template, then a plain completion: what that says is the continuation and nothing else.

    Where the template cannot be used so, it goes on by ``otherwise``.
    """

    def __init__(self, document: Document, tape: Tape, otherwise: Way) -> None:
        self._document = document
        self._tape = tape
        self._otherwise = otherwise
        self._bare = False
        """The template is asked for without the answer: some servers refuse it where a model thinks."""
        self._prompt: str | None = None
        self._tag: str | None = None
        self.start = Start(tape.text, tape.tokens, thinks=tape.thinking)

    @property
    def streams(self) -> bool:
        """See Way."""
        return self._prompt is not None

    def step(self) -> tuple[bytes, bytes]:
        """See Way."""
        if self._prompt is not None:
            return b"/completions", to_json(_completion(self._document, self._prompt))
        document = self._document if self._bare else _prefilled(self._document, self._tape)
        return b"/apply-template", to_json(document)

    def take(self, status: int, body: bytes) -> Way | None:
        """See Way."""
        if self._prompt is not None:
            return None  # a completion that is no stream
        prompt = _prompt(body) if status == 200 else None
        if prompt is not None:
            self._prompt = self._whole(prompt)
        if self._prompt is None and self._bare:
            return self._otherwise
        self._bare = True
        said = self._said_after_thoughts()
        return Counting(said, self) if said else self

    def _said_after_thoughts(self) -> str:
        """What the model has said, tags included, if some of that may be in no event; else nothing."""
        tape = self._tape
        if self._prompt is None or not (tape.thoughts and tape.text):
            return ""
        start = self._prompt.rfind(tape.thoughts.strip())
        return self._prompt[start:] if start >= 0 else ""

    def said(self, tokens: int) -> None:
        """So many have been said, more than were told of."""
        hidden = tokens - self._tape.tokens
        limits = {name: self._document[name] for name in _LIMITS if type(self._document.get(name)) is int}
        self._document |= {name: max(limit - hidden, 1) for name, limit in limits.items() if limit > 0}
        self.start = replace(self.start, tokens=tokens)

    def decoder(self) -> Decoder:
        """See Way."""
        plain = decoder(Wire.CHAT, _NOBODY)
        return Thinking(plain, self._tag) if self._tag else plain

    def _whole(self, prompt: str) -> str | None:
        """The prompt up to the break; None if this one does not lead there."""
        tape = self._tape
        if self._bare:
            tag = closing_tag(prompt)
            if tape.thoughts and tag is None:
                return None
            prompt += tape.thoughts if tape.thinking else f"{tape.thoughts}\n{tag}\n\n{tape.text}" if tag else tape.text
        said = tape.text or tape.thoughts
        end = said if prompt.endswith(said) else said.rstrip()  # many templates trim it
        if not prompt.endswith(end):
            return None
        before = prompt[: len(prompt) - len(end)]
        self._tag = closing_tag(before) if tape.thinking else None
        return None if tape.thinking and self._tag is None else before + said


class Counting:
    """On the way to a completion, how many tokens have been said: those of the tags around thoughts are in no event."""

    streams = False

    def __init__(self, said: str, then: Template) -> None:
        self._said = said
        self._then = then
        self.start = then.start

    def step(self) -> tuple[bytes, bytes]:
        """See Way."""
        return b"/tokenize", orjson.dumps({"content": self._said, "parse_special": True})

    def take(self, status: int, body: bytes) -> Way | None:
        """See Way. Where nobody can count, what was told of has to do."""
        tokens = _tokens(body) if status == 200 else 0
        if tokens > self.start.tokens:
            self._then.said(tokens)
        return self._then

    def decoder(self) -> Decoder:
        """See Way."""
        return self._then.decoder()


def _chat(call: Call, backend: Backend) -> Document:
    """The request as a chat completion: the caller's own if it is one, so that nothing in it is lost."""
    if call.wire is Wire.CHAT:
        document: Document = orjson.loads(call.body_for(backend))
    else:
        document = orjson.loads(write_request(Wire.CHAT, call.asked.request, backend.target).body)
    return document


def _limited(document: Document, tape: Tape) -> Document:
    """With what is left of its limits."""
    limits = {name: limit for name in _LIMITS if (limit := whole(document.get(name)) or 0) > 0}
    return document | {name: max(limit - tape.tokens, 1) for name, limit in limits.items()}


def _prefilled(document: Document, tape: Tape, *, thoughts: bool = True) -> Document:
    """With what was said as its last turn."""
    if not (tape.text or (thoughts and tape.thoughts)):
        return document
    turn = {"role": "assistant", "content": tape.text}
    messages = document["messages"]
    if messages[-1].get("role") == "assistant":  # the caller's own start, which some endpoints repeat
        before = _plain(messages[-1].get("content") or "")
        messages = messages[:-1]
        turn["content"] = tape.text if tape.text.startswith(before) else before + tape.text
    if thoughts and tape.thoughts:
        turn["reasoning_content"] = tape.thoughts
    return document | {"messages": [*messages, turn]}


def _plain(content: object) -> str:
    """One text, also where it is the only part. Raises RequestError; servers put several together in their own ways."""
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        content = content[0].get("text") if content[0].get("type") == "text" else None
    if not isinstance(content, str):
        raise RequestError("the start of the answer is not plain text")
    return content


def _completion(document: Document, prompt: str) -> Document:
    limit = next((document[name] for name in _LIMITS if document.get(name) is not None), None)
    plain = {name: value for name, value in document.items() if name not in _OF_CHATS}
    return plain | {"prompt": prompt, "max_tokens": limit, "stream": True, "stream_options": {"include_usage": True}}


def _only_text(messages: list[Any]) -> bool:
    return all(isinstance(message.get("content"), str | None) for message in messages)


def _prompt(body: bytes) -> str | None:
    try:
        prompt = orjson.loads(body)["prompt"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return prompt if isinstance(prompt, str) else None


def _tokens(body: bytes) -> int:
    try:
        return len(orjson.loads(body)["tokens"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 0

"""Usage that a caller asked for, where its endpoint was lost between the last word and telling it. Pure.

The answer is whole, so it ends as one; who adds up costs would otherwise count nothing for it. The answer's part is
counted by its pieces (with llama-server and most others, tokens), the prompt's is estimated.
"""

from __future__ import annotations

from typing import Any

import orjson

from auriga_router import sse, usage
from auriga_router.call import Call
from auriga_router.dialects import Sign
from auriga_router.dialects.openai import CHAT, COMPLETIONS, DIALECT
from auriga_router.translate import RequestError
from auriga_router.translate.answer import Usage
from auriga_router.translate.chat.usage import write_usage
from auriga_router.translate.estimate import estimate

_HEAD = ("id", "object", "created", "model", "system_fingerprint")


def usage_event(call: Call, sent: bytes) -> bytes:
    """The event that is missing after ``sent`` (HTTP framing removed); empty if none is."""
    if call.operation not in (CHAT, COMPLETIONS) or not _asks(orjson.loads(call.body)):
        return b""
    events = [sse.parse(event) for event in sse.split(sent)[0]]
    chunks = [chunk for event in events if (chunk := _object(event.data)) is not None]
    if not chunks or any(chunk.get("usage") for chunk in chunks):
        return b""
    pieces = sum(DIALECT.look(event) & (Sign.CONTENT | Sign.FINISH) == Sign.CONTENT for event in events)
    counted = Usage(input=_prompt(call), output=max(pieces, 1))
    head = {name: chunks[0][name] for name in _HEAD if name in chunks[0]}
    return b"data: %s\n\n" % orjson.dumps(head | {"choices": [], "usage": write_usage(counted)})


def _asks(document: dict[str, Any]) -> bool:
    options = document.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _prompt(call: Call) -> int:
    if call.operation is CHAT:
        try:
            return estimate(call.asked.request)
        except RequestError:
            pass
    return max(usage.of_prompt(len(call.body)), 1)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None

"""Server-sent events as bytes: where one ends, and what is in it. Pure; knows no dialect."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")

EVENT_AND_CHUNK_END: Final = b"}\n\n\r\n"
"""The end of a JSON object, of its event and of its chunk: where a chunked stream may be cut.

Without the brace, a chunk that is nothing but the end of a line would look the same. Events with CRLF are not found.
"""


class Event(NamedTuple):
    """One event: its name (``event:``, mostly absent) and its data lines joined."""

    name: bytes
    data: bytes


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole events at the start of ``buffer``, each with the blank line that ends it, and what is left."""
    events: list[bytes] = []
    start = 0
    for blank in _BLANK_LINE.finditer(buffer):
        events.append(buffer[start : blank.end()])
        start = blank.end()
    return events, buffer[start:]


def cut_before(data: bytes, position: int) -> int:
    """The last place at or before ``position`` where chunked ``data`` may be cut; 0 if there is none."""
    end = data.rfind(EVENT_AND_CHUNK_END, 0, max(position, 0))
    return end + len(EVENT_AND_CHUNK_END) if end >= 0 else 0


def parse(event: bytes) -> Event:
    """The event in these lines. Comments and unknown fields are ignored, as the standard says.

    A field named ``error`` names the event: that is how llama-server reports one
    (https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-http.cpp).
    """
    name = b""
    data: list[bytes] = []
    for line in event.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field == b"error":
            name = b"error"
            data.append(value)
    return Event(name, b"\n".join(data))

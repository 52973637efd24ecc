"""The key of a conversation: the same for each of its turns, so that they find their prompt in one cache. Pure.

Made of what does not change as it goes on: the instructions, and the messages up to the first of the user's.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import orjson

_PART = 2048
"""Characters of each message that count: enough to tell conversations apart, and cheap for long documents."""
_MESSAGES = 8
"""Messages that count at most."""
_WHOLE = 0xFFFFFFFF


def key_of(document: dict[str, Any]) -> int:
    """32 bits, never 0; 0 if there is nothing to tell conversations apart by.

    ``document``: the request, in any dialect. The salt of Python's own ``hash`` differs between processes.
    """
    crc = 0
    for part in _opening(document):
        crc = crc32(_text(part), crc)
    # crc32 is linear: alike inputs give alike values, and neighbours on the ring would be the same endpoint's.
    crc = (crc ^ (crc >> 16)) * 0x45D9F3B & _WHOLE
    crc = (crc ^ (crc >> 16)) * 0x45D9F3B & _WHOLE
    return crc ^ (crc >> 16)


def _opening(document: dict[str, Any]) -> list[object]:
    opening = [document[name] for name in ("system", "instructions", "prompt") if document.get(name)]
    messages = document.get("messages") or document.get("input")
    if not isinstance(messages, list):
        return [*opening, messages] if messages else opening
    for message in messages[:_MESSAGES]:
        opening.append(message.get("content") if isinstance(message, dict) else message)
        if not isinstance(message, dict) or message.get("role") == "user":
            break
    return opening


def _text(part: object) -> bytes:
    if isinstance(part, str):
        return part[:_PART].encode("utf-8", "replace")
    return orjson.dumps(part, default=str)[:_PART]

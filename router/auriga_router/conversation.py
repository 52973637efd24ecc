"""The key of a conversation: the same for each of its turns, so that they find their prompt in one cache. Pure.

Made of what does not change as it goes on: the instructions, and the messages up to the first of the user's.
"""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

import orjson

_PART: Final = 2048
"""Characters of each message that count: enough to tell conversations apart, and cheap for long documents."""
_MESSAGES: Final = 8
"""Messages that count at most."""
_WHOLE: Final = 0xFFFFFFFF
_crc32: Final = crc32


def key_of(document: dict[str, Any]) -> int:
    """32 bits, never 0; 0 if there is nothing to tell conversations apart by.

    ``document``: the request, in any dialect. The salt of Python's own ``hash`` differs between processes.
    """
    crc = 0
    # Written out, not a loop over names: this is done for every request.
    if part := document.get("system"):
        crc = _crc32(_text(part), crc)
    if part := document.get("instructions"):
        crc = _crc32(_text(part), crc)
    if part := document.get("prompt"):
        crc = _crc32(_text(part), crc)
    messages = document.get("messages") or document.get("input")
    if isinstance(messages, list):
        crc = _opening(messages, crc)
    elif messages:
        crc = _crc32(_text(messages), crc)
    # crc32 is linear: alike inputs give alike values, and neighbours on the ring would be the same endpoint's.
    crc = (crc ^ (crc >> 16)) * 0x45D9F3B & _WHOLE
    crc = (crc ^ (crc >> 16)) * 0x45D9F3B & _WHOLE
    return crc ^ (crc >> 16)


def _opening(messages: list[Any], crc: int) -> int:
    """The messages up to the first of the user's."""
    left = _MESSAGES
    for message in messages:
        if not isinstance(message, dict):
            return _crc32(_text(message), crc)
        crc = _crc32(_text(message.get("content")), crc)
        left -= 1
        if not left or message.get("role") == "user":
            return crc
    return crc


def _text(part: object) -> bytes:
    if isinstance(part, str):
        text = part if len(part) <= _PART else part[:_PART]
        try:
            return text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace")
    return orjson.dumps(part, default=str)[:_PART]

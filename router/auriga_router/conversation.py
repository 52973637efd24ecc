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
_ELSEWHERE: Final = ("instructions", "prompt", "input", "system", "messages")
"""Where requests have what they begin with that are no list of messages."""
_HALF: Final = 0xFFFF
_ODD: Final = 0x2545F491
"""Below 2**30: compiled, larger factors are multiplied by the interpreter."""
_crc32: Final = crc32


def key_of(document: dict[str, Any]) -> int:
    """32 bits, never 0; 0 if there is nothing to tell conversations apart by.

    ``document``: the request, in any dialect. The salt of Python's own ``hash`` differs between processes.
    """
    messages = document.get("messages")
    if isinstance(messages, list):  # the usual case first: this is done for every request
        system = document.get("system")
        return _mixed(_opening(messages, _crc32(_text(system)) if system else 0))
    crc = 0
    for name in _ELSEWHERE:
        part = document.get(name)
        if isinstance(part, list) and name == "input":
            crc = _opening(part, crc)
        elif part:
            crc = _crc32(_text(part), crc)
    return _mixed(crc)


def _mixed(crc: int) -> int:
    """crc32 is linear: alike inputs give alike values, and neighbours on the ring would be the same endpoint's.

    Two rounds of a Feistel network: different values stay different.
    """
    high, low = crc >> 16, crc & _HALF
    high ^= (low * _ODD >> 14) & _HALF
    low ^= (high * _ODD >> 14) & _HALF
    return high << 16 | low


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

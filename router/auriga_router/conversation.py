"""The key of a conversation: the same for each of its turns, so that they find their prompt in one cache. Pure.

Made of what does not change as it goes on: the instructions, and the messages up to the first of the user's.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from xxhash import xxh3_64_intdigest

_PART: Final = 2048
"""Characters of each message that count: enough to tell conversations apart, and cheap for long documents."""
_MESSAGES: Final = 8
"""Messages that count at most."""
_ELSEWHERE: Final = ("instructions", "prompt", "input", "system", "messages")
"""Where requests have what they begin with that are no list of messages."""
_KEY: Final = 0xFFFFFFFF
_hash: Final = xxh3_64_intdigest
"""The same in every process and version, unlike Python's own. It needs no tables: those of crc32 are 130 lines of the
core's cache, which are mostly not there any more."""


def key_of(document: dict[str, Any]) -> int:
    """32 bits, never 0; 0 if there is nothing to tell conversations apart by.

    ``document``: the request, in any dialect.
    """
    messages = document.get("messages")
    if isinstance(messages, list):  # the usual case first: this is done for every request
        system = document.get("system")
        text = _text(system) + _opening(messages) if system else _opening(messages)
    else:
        text = _elsewhere(document)
    if not text:
        return 0
    return _hash(text.encode("utf-8", "replace")) & _KEY or 1


def _opening(messages: list[Any]) -> str:
    """The messages up to the first of the user's."""
    text, left = "", _MESSAGES
    for message in messages:
        if not isinstance(message, dict):
            return text + _text(message)
        content = message.get("content")
        text += content[:_PART] if isinstance(content, str) else _text(content)
        left -= 1
        if not left or message.get("role") == "user":
            return text
    return text


def _elsewhere(document: dict[str, Any]) -> str:
    text = ""
    for name in _ELSEWHERE:
        part = document.get(name)
        if isinstance(part, list) and name == "input":
            text += _opening(part)
        elif part:
            text += _text(part)
    return text


def _text(part: object) -> str:
    if isinstance(part, str):
        return part[:_PART]
    try:
        return orjson.dumps(part, default=str)[:_PART].decode("utf-8", "ignore")
    except orjson.JSONEncodeError:
        return ""  # nested deeper than orjson writes (254)

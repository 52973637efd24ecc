"""What a request holds that not every Model can take: tools, images. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IMAGES = frozenset({"image_url", "image", "input_image"})
"""Types of the parts of a message, in OpenAI's chat completions, Anthropic's messages, and OpenAI's responses."""
_RESULTS = ("tool_result", "function_call_output")
_FOUND = {
    (False, False): frozenset[str](),
    (True, False): frozenset({"tools"}),
    (False, True): frozenset({"vision"}),
    (True, True): frozenset({"tools", "vision"}),
}


def held(document: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities that a request asks for by what it holds, beside its operation's."""
    turns = document.get("messages") or document.get("input")
    sees = any(_shows(turn) for turn in turns if isinstance(turn, dict)) if isinstance(turns, list) else False
    return _FOUND[bool(document.get("tools") or document.get("functions")), sees]


def _shows(turn: dict[str, Any]) -> bool:
    """Is there an image in it? Results of tools may hold one, too."""
    parts = turn.get("output" if turn.get("type") == "function_call_output" else "content")
    if not isinstance(parts, list):
        return False
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and (kind in _IMAGES or (kind in _RESULTS and _shows(part))):
            return True
    return False

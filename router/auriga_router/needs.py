"""What a request holds that not every Model can take: tools, images. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_IMAGES = frozenset({"image_url", "image", "input_image"})
"""Types of the parts of a message, in OpenAI's chat completions, Anthropic's messages, and OpenAI's responses."""


def held(document: Mapping[str, Any]) -> frozenset[str]:
    """The capabilities that a request asks for by what it holds, beside its operation's."""
    found = set()
    if document.get("tools") or document.get("functions"):
        found.add("tools")
    if any(part.get("type") in _IMAGES for part in _parts(document)):
        found.add("vision")
    return frozenset(found)


def _parts(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    messages = document.get("messages") or document.get("input")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        yield from (part for part in content if isinstance(part, dict)) if isinstance(content, list) else ()

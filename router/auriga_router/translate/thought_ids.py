"""Gemini's thought signatures inside the ids of tool calls, for dialects that have no other place for them. Pure.

Clients give ids back as they got them, so the signature finds its way back to Gemini. The mark is LiteLLM's
(https://docs.litellm.ai/blog/gemini_3); the alphabet is base64url, because Anthropic takes only ``[a-zA-Z0-9_-]``.
"""

from __future__ import annotations

import re

_MARK = "__thought__"
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TO_URL = str.maketrans("+/", "-_")
_FROM_URL = str.maketrans("-_", "+/")


def join(call_id: str, signature: str) -> str:
    """The id as a client sees it. A signature that is not base64 cannot be carried, and is left out."""
    if not signature or not _BASE64.fullmatch(signature):
        return call_id
    return f"{call_id}{_MARK}{signature.rstrip('=').translate(_TO_URL)}"


def split(call_id: str) -> tuple[str, str]:
    """The id that the endpoint gave, and the signature; empty if there is none."""
    bare, mark, signature = call_id.partition(_MARK)
    if not mark:
        return call_id, ""
    return bare, signature.translate(_FROM_URL) + "=" * (-len(signature) % 4)

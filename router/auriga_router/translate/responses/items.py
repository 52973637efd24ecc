"""Items of a response's output. Pure."""

from __future__ import annotations

from auriga_router.translate import thought_ids
from auriga_router.translate.canonical import Json
from auriga_router.translate.responses.sealed import seal_redacted, seal_signature


def text_part(text: str, logprobs: list[Json]) -> Json:
    """Words of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def refusal_part(text: str) -> Json:
    """Words why there is no answer."""
    return {"type": "refusal", "refusal": text}


def message_item(identifier: str, content: list[Json], status: str) -> Json:
    """What the model said."""
    return {"id": f"msg_{identifier}", "type": "message", "role": "assistant", "content": content, "status": status}


def reasoning_item(identifier: str, text: str, status: str, *, signature: str = "", redacted: str = "") -> Json:
    """What it thought. Signature and redacted thoughts are given to those who asked for them."""
    item: Json = {"id": f"rs_{identifier}", "type": "reasoning", "summary": [], "status": status}
    item["content"] = [{"type": "reasoning_text", "text": text}] if text else []
    if signature:
        item["encrypted_content"] = seal_signature(signature)
    elif redacted:
        item["encrypted_content"] = seal_redacted(redacted)
    return item


def call_item(identifier: str, call_id: str, name: str, arguments: str, status: str, *, signature: str = "") -> Json:
    """What it calls. Gemini's signature travels in the id of the call."""
    return {
        "id": f"fc_{identifier}",
        "type": "function_call",
        "call_id": thought_ids.join(call_id, signature),
        "name": name,
        "arguments": arguments,
        "status": status,
    }

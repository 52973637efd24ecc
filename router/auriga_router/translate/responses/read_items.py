"""Input items of a Responses request -> canonical turns. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate import thought_ids
from auriga_router.translate.canonical import (
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    join_turns,
)
from auriga_router.translate.fields import Fields
from auriga_router.translate.media import is_data_url, split_data_url
from auriga_router.translate.problems import Dropped
from auriga_router.translate.responses.sealed import unseal

_TEXT_TYPES = ("input_text", "output_text", "text")
Turn = tuple[Role, list[Part]]


def read_input(request: Fields) -> tuple[Message, ...]:
    """``instructions`` and ``input``. Raises RequestError."""
    instructions = request.text("instructions")
    turns: list[Turn] = [("system", [Text(instructions, request.at("instructions"))])] if instructions else []
    given = request.raw("input")
    if isinstance(given, str) and given:
        turns.append(("user", [Text(given, request.at("input"))]))
    elif not given:
        raise request.error("is required", "input")
    else:
        turns.extend(_item(item) for item in request.objects("input"))
    return join_turns(turns)


def _item(item: Fields) -> Turn:
    kind = item.text("type") or "message"
    item.raw("id")
    item.raw("status")
    if kind == "message":
        turn = _message(item)
    elif kind == "function_call":
        call_id, signature = thought_ids.split(item.need_text("call_id"))
        call = ToolCall(call_id, item.need_text("name"), item.text("arguments") or "{}", signature, item.path)
        turn = ("assistant", [call])
    elif kind == "function_call_output":
        call_id, _ = thought_ids.split(item.need_text("call_id"))
        turn = ("user", [ToolResult(call_id, _output(item), at=item.path)])
    elif kind == "reasoning":
        turn = ("assistant", list(_reasoning(item)))
    elif kind == "item_reference":
        raise item.error("nothing is stored here to refer to: send the item itself", "type")
    else:
        raise item.error("is not an item that can be translated", "type")
    item.end()
    return turn


def _message(item: Fields) -> Turn:
    role = item.word("role", "user", "assistant", "system", "developer")
    if role is None:
        raise item.error("is required", "role")
    item.raw("phase")
    content = item.raw("content")
    parts: list[Part]
    if isinstance(content, str):
        parts = [Text(content, item.at("content"))] if content else []
    else:
        parts = [part for given in item.objects("content") for part in _part(given)]
    if role == "user":
        return "user", parts
    if not all(isinstance(part, Text | Refusal) for part in parts):
        raise item.error("only text is allowed here", "content")
    return ("assistant" if role == "assistant" else "system"), parts


def _part(part: Fields) -> Iterator[Text | Image | Document | Refusal]:
    kind = part.need_text("type")
    if kind in _TEXT_TYPES:
        part.raw("annotations")
        part.raw("logprobs")
        text = part.need_text("text")
        if text:
            yield Text(text, part.path)
    elif kind == "refusal":
        yield Refusal(part.need_text("refusal"), part.path)
    elif kind == "input_image":
        yield _image(part)
    elif kind == "input_file":
        yield _file(part)
    else:
        raise part.error("is not a part that can be translated", "type")
    part.end()


def _image(part: Fields) -> Image:
    if part.raw("file_id") is not None:
        raise part.error("files stored at a provider cannot be translated: send image_url", "file_id")
    url = part.need_text("image_url")
    detail = part.text("detail") or ""
    detail = "" if detail == "auto" else detail
    if is_data_url(url):
        media_type, data = split_data_url(url, part.at("image_url"))
        return Image(media_type, data, detail=detail, at=part.path)
    return Image(url=url, detail=detail, at=part.path)


def _file(part: Fields) -> Document:
    if part.raw("file_id") is not None:
        raise part.error("files stored at a provider cannot be translated: send file_data", "file_id")
    title = part.text("filename") or ""
    url = part.text("file_url")
    if url:
        return Document(url=url, title=title, at=part.path)
    media_type, data = split_data_url(part.need_text("file_data"), part.at("file_data"))
    return Document(media_type, data, title=title, at=part.path)


def _output(item: Fields) -> tuple[Text | Image | Document, ...]:
    given = item.raw("output")
    if isinstance(given, str):
        return (Text(given, item.at("output")),) if given else ()
    parts = [part for entry in item.objects("output") for part in _part(entry)]
    return tuple(part for part in parts if not isinstance(part, Refusal))


def _reasoning(item: Fields) -> Iterator[Part]:
    """Thoughts: as text, as a summary, or sealed. What another service sealed cannot be read by anyone here."""
    texts = [part.text("text") or "" for part in item.objects("content")]
    summary = [part.text("text") or "" for part in item.objects("summary")]
    text = "".join(texts) or "\n\n".join(summary)
    sealed = item.text("encrypted_content")
    signature, redacted = unseal(sealed or "")
    if sealed and not (signature or redacted):
        item.notes.append(Dropped(item.at("encrypted_content"), "another service encrypted it"))
    if redacted:
        yield RedactedReasoning(redacted, item.path)
    elif text or signature:
        yield Reasoning(text, signature, item.path)

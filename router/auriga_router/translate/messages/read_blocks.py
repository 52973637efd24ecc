"""Content blocks of a message -> canonical parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate import thought_ids
from auriga_router.translate.canonical import (
    Document,
    Image,
    Part,
    Reasoning,
    RedactedReasoning,
    Text,
    ToolCall,
    ToolResult,
)
from auriga_router.translate.fields import Fields, to_json
from auriga_router.translate.problems import Dropped

_ON_THEIR_SERVERS = frozenset({
    "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
    "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
    "container_upload",
})  # fmt: skip
"""What Anthropic's servers did in earlier turns. Call and result go together: half a pair is refused everywhere."""


_IN_RESULT = frozenset({"text", "image", "document", "search_result"})
_IN_DOCUMENT = frozenset({"text", "image"})


def read_content(holder: Fields, only: frozenset[str] | None = None) -> list[Part]:
    """``content``: a string, or a list of blocks, of these types. Nothing said is no part."""
    content = holder.raw("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content, holder.at("content"))] if content else []
    if not isinstance(content, list):
        raise holder.error("must be a string or a list of blocks", "content")
    parts: list[Part] = []
    for block in holder.objects("content"):
        if only is not None and block.need_text("type") not in only:
            raise block.error(f"must be one of {', '.join(sorted(only))} here", "type")
        parts.extend(_block(block))
    return parts


def read_texts(holder: Fields, name: str) -> list[Part]:
    """A field that is a string or a list of text blocks: ``system``, or the content of a system turn."""
    value = holder.raw(name)
    if isinstance(value, str):
        return [Text(value, holder.at(name))] if value else []
    parts: list[Part] = []
    for block in holder.objects(name):
        block.word("type", "text")
        parts.extend(_text(block))
        block.end()
    return parts


def _block(block: Fields) -> Iterator[Part]:
    kind = block.need_text("type")
    if kind in _ON_THEIR_SERVERS:
        block.notes.append(Dropped(block.path, "what Anthropic's servers did"))
        return
    if kind == "text":
        yield from _text(block)
    elif kind in ("thinking", "redacted_thinking"):
        yield _thought(block, kind)
    elif kind == "image":
        yield _image(block)
    elif kind == "document":
        yield from _document(block)
    elif kind == "search_result":
        yield _search_result(block)
    elif kind == "tool_use":
        yield _call(block)
    elif kind == "tool_result":
        yield _result(block)
    else:
        raise block.error("is not a block that can be translated", "type")
    block.end()


def _text(block: Fields) -> Iterator[Text]:
    text = block.need_text("text")
    if text:
        yield Text(text, block.path)


def _thought(block: Fields, kind: str) -> Part:
    if kind == "redacted_thinking":
        return RedactedReasoning(block.need_text("data"), block.path)
    return Reasoning(block.text("thinking") or "", block.text("signature") or "", block.path)


def _image(block: Fields) -> Image:
    source = block.need_object("source")
    kind = source.need_text("type")
    if kind == "base64":
        image = Image(source.need_text("media_type"), source.need_text("data"), at=block.path)
    elif kind == "url":
        image = Image(url=source.need_text("url"), at=block.path)
    else:
        raise source.error("images stored at Anthropic cannot be translated: send base64 or a URL", "type")
    source.end()
    return image


def _document(block: Fields) -> Iterator[Part]:
    """A document given as blocks is those blocks."""
    source = block.need_object("source")
    kind = source.need_text("type")
    title = block.text("title") or ""
    if kind == "base64":
        yield Document(source.need_text("media_type"), source.need_text("data"), title=title, at=block.path)
    elif kind == "url":
        yield Document(url=source.need_text("url"), title=title, at=block.path)
    elif kind == "text":
        source.raw("media_type")
        yield Document(text=source.need_text("data"), title=title, at=block.path)
    elif kind == "content":
        yield from read_content(source, _IN_DOCUMENT)
    else:
        raise source.error("documents stored at Anthropic cannot be translated: send their data", "type")
    source.end()


def _search_result(block: Fields) -> Document:
    words = [part.text for part in read_texts(block, "content") if isinstance(part, Text)]
    title = f"{block.need_text('title')} ({block.need_text('source')})"
    return Document(text="\n".join(words) or title, title=title, at=block.path)


def _call(block: Fields) -> ToolCall:
    given = block.json("input")
    if block.raw("caller") not in (None, {"type": "direct"}):
        block.drop("caller")
    call_id, signature = thought_ids.split(block.need_text("id"))
    return ToolCall(call_id, block.need_text("name"), to_json(given or {}).decode(), signature, block.path)


def _result(block: Fields) -> ToolResult:
    parts = read_content(block, _IN_RESULT)
    content = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    call_id, _ = thought_ids.split(block.need_text("tool_use_id"))
    return ToolResult(call_id, content, block.flag("is_error") or False, block.path)

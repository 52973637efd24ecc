"""A Messages request -> canonical. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate import turns
from auriga_router.translate.canonical import (
    EFFORTS,
    Message,
    OutputFormat,
    Part,
    Request,
    Role,
    Thinking,
    Tool,
    ToolChoice,
    join_turns,
)
from auriga_router.translate.fields import Fields
from auriga_router.translate.messages.read_blocks import read_content, read_texts
from auriga_router.translate.problems import Dropped
from auriga_router.translate.reply import Reply


def read_request(fields: Fields) -> tuple[Request, Reply]:
    """The request, and how to reply. Raises RequestError; what goes no further is in ``fields.notes``."""
    messages = _messages(fields)
    turns.check(messages)
    choice, parallel = _tool_choice(fields)
    config = fields.object("output_config")
    request = Request(
        model=fields.need_text("model"),
        messages=messages,
        stream=fields.flag("stream") or False,
        max_tokens=_max_tokens(fields),
        temperature=fields.number("temperature", 0, 1),
        top_p=fields.number("top_p", 0, 1),
        top_k=fields.integer("top_k"),
        stop=fields.texts("stop_sequences"),
        tools=tuple(_tools(fields)),
        tool_choice=choice,
        parallel_tools=parallel,
        output=_output(config),
        thinking=_thinking(fields, config),
        user=_user(fields),
    )
    if config is not None:
        config.end()
    fields.end()
    return request, Reply()


def _max_tokens(fields: Fields) -> int:
    limit = fields.integer("max_tokens", 0)
    if limit is None:
        raise fields.error("is required", "max_tokens")
    if limit == 0:
        raise fields.error("warming a cache without an answer cannot be translated", "max_tokens")
    return limit


def _messages(fields: Fields) -> tuple[Message, ...]:
    read: list[tuple[Role, list[Part]]] = [("system", read_texts(fields, "system"))]
    if not fields.raw("messages"):
        raise fields.error("is required, with at least one message", "messages")
    for message in fields.objects("messages"):
        role = message.word("role", "user", "assistant", "system")
        if role == "system":
            read.append(("system", read_texts(message, "content")))
        elif role == "user":
            read.append(("user", read_content(message)))
        elif role == "assistant":
            read.append(("assistant", read_content(message)))
        else:
            raise message.error("is required", "role")
        message.end()
    return join_turns(read)


def _tools(fields: Fields) -> Iterator[Tool]:
    for tool in fields.objects("tools"):
        if tool.text("type") not in (None, "custom"):
            raise tool.error("Anthropic's own tools cannot be translated", "type")
        yield Tool(
            tool.need_text("name"),
            tool.text("description") or "",
            tool.json("input_schema") or {},
            tool.flag("strict"),
            tool.path,
        )
        tool.end()


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may come in parallel."""
    choice = fields.object("tool_choice")
    if choice is None:
        return None, None
    kind = choice.word("type", "auto", "any", "tool", "none")
    alone = choice.flag("disable_parallel_tool_use")
    parallel = None if alone is None else not alone
    if kind == "tool":
        made = ToolChoice("tool", choice.need_text("name"))
    elif kind == "any":
        made = ToolChoice("any")
    else:
        made = ToolChoice("none" if kind == "none" else "auto")
    choice.end()
    return made, parallel


def _output(config: Fields | None) -> OutputFormat | None:
    wanted = None if config is None else config.object("format")
    if wanted is None:
        return None
    wanted.word("type", "json_schema")
    output = OutputFormat(wanted.json("schema") or {}, strict=True)
    wanted.end()
    return output


def _thinking(fields: Fields, config: Fields | None) -> Thinking:
    word = None if config is None else config.word("effort", *EFFORTS)
    effort = next((known for known in EFFORTS if known == word), None)
    thinking = fields.object("thinking")
    if thinking is None:
        return Thinking(effort=effort)
    kind = thinking.word("type", "enabled", "disabled", "adaptive", "between_tools")
    thinking.raw("display")  # thoughts are always shown where there are any
    if kind == "between_tools":
        thinking.notes.append(Dropped(thinking.at("type"), "taken as adaptive"))
    read = Thinking(kind != "disabled", effort, thinking.integer("budget_tokens", 1))
    thinking.end()
    return read


def _user(fields: Fields) -> str | None:
    metadata = fields.object("metadata")
    if metadata is None:
        return None
    user = metadata.text("user_id")
    metadata.end()
    return user

"""A chat completion request -> canonical. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate import turns
from auriga_router.translate.canonical import EFFORTS, OutputFormat, Request, Thinking, Tool, ToolChoice
from auriga_router.translate.chat.read_messages import read_messages
from auriga_router.translate.fields import Fields
from auriga_router.translate.reply import Reply


def read_request(fields: Fields) -> tuple[Request, Reply]:
    """The request, and how to reply. Raises RequestError; what goes no further is in ``fields.notes``."""
    _refuse(fields)
    messages = read_messages(fields)
    turns.check(messages)
    tools = tuple(_tools(fields))
    choice, tools = _tool_choice(fields, tools)
    thinking = _thinking(fields)
    request = Request(
        model=fields.need_text("model"),
        messages=messages,
        stream=fields.flag("stream") or False,
        max_tokens=_max_tokens(fields),
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        top_k=fields.integer("top_k"),
        seed=fields.integer("seed"),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        stop=fields.texts("stop"),
        logprobs=_logprobs(fields),
        tools=tools,
        tool_choice=choice,
        parallel_tools=fields.flag("parallel_tool_calls"),
        output=_output(fields),
        thinking=thinking,
        verbosity=fields.word("verbosity", "low", "medium", "high"),
        user=_user(fields),
    )
    reply = Reply(stream_usage=_stream_usage(fields), logprobs=request.logprobs is not None)
    fields.end()
    return request, reply


def _refuse(fields: Fields) -> None:
    """What would change the answer if it were left out."""
    if fields.integer("n") not in (None, 1):
        raise fields.error("only one choice can be translated", "n")
    for old, new in (("functions", "tools"), ("function_call", "tool_choice")):
        if fields.raw(old) is not None:
            raise fields.error(f"cannot be translated: use {new}", old)
    if "audio" in fields.texts("modalities"):
        raise fields.error("spoken answers cannot be translated", "modalities")
    if fields.raw("web_search_options") is not None:
        raise fields.error("web search cannot be translated", "web_search_options")


def _max_tokens(fields: Fields) -> int | None:
    old, new = _limit(fields, "max_tokens"), _limit(fields, "max_completion_tokens")
    return old if new is None else new


def _limit(fields: Fields, name: str) -> int | None:
    """-1 is llama-server's word for none."""
    return None if fields.raw(name) == -1 else fields.integer(name, 1)


def _logprobs(fields: Fields) -> int | None:
    alternatives = fields.integer("top_logprobs", 0)
    return (alternatives or 0) if fields.flag("logprobs") else None


def _user(fields: Fields) -> str | None:
    identifier = fields.text("safety_identifier")
    return fields.text("user") or identifier


def _stream_usage(fields: Fields) -> bool:
    options = fields.object("stream_options")
    if options is None:
        return False
    wanted = options.flag("include_usage") or False
    options.end()
    return wanted


def _thinking(fields: Fields) -> Thinking:
    effort = fields.word("reasoning_effort", "none", *EFFORTS)
    if effort is None:
        return Thinking()
    if effort == "none":
        return Thinking(enabled=False)
    return Thinking(effort=next(known for known in EFFORTS if known == effort))


def _output(fields: Fields) -> OutputFormat | None:
    wanted = fields.object("response_format")
    if wanted is None:
        return None
    kind = wanted.word("type", "text", "json_object", "json_schema")
    output = OutputFormat() if kind == "json_object" else None
    if kind == "json_schema":
        output = read_schema(wanted.need_object("json_schema"))
    wanted.end()
    return output


def read_schema(described: Fields) -> OutputFormat:
    """``name``, ``schema`` and their like, which Responses writes the same way."""
    described.raw("type")
    output = OutputFormat(
        described.json("schema") or {},
        described.text("name") or "answer",
        described.text("description") or "",
        described.flag("strict"),
    )
    described.end()
    return output


def _tools(fields: Fields) -> Iterator[Tool]:
    for tool in fields.objects("tools"):
        if tool.need_text("type") != "function":
            raise tool.error("only function tools can be translated", "type")
        function = tool.need_object("function")
        yield Tool(
            function.need_text("name"),
            function.text("description") or "",
            function.json("parameters") or {},
            function.flag("strict"),
            tool.path,
        )
        function.end()
        tool.end()


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves."""
    choice = fields.raw("tool_choice")
    if choice is None or isinstance(choice, str):
        return plain_choice(fields), tools
    choice = fields.need_object("tool_choice")
    kind = choice.need_text("type")
    if kind == "function":
        return ToolChoice("tool", choice.need_object("function").need_text("name")), tools
    if kind == "allowed_tools":
        allowed = choice.need_object("allowed_tools")
        names = {tool.need_object("function").need_text("name") for tool in allowed.objects("tools")}
        return among(allowed.word("mode", "auto", "required"), names, tools)
    raise choice.error("is not a choice that can be translated", "type")


def plain_choice(fields: Fields) -> ToolChoice | None:
    """``tool_choice`` as one word."""
    word = fields.word("tool_choice", "none", "auto", "required")
    if word is None:
        return None
    if word == "none":
        return ToolChoice("none")
    return ToolChoice("any" if word == "required" else "auto")


def among(mode: str | None, names: set[str], tools: tuple[Tool, ...]) -> tuple[ToolChoice, tuple[Tool, ...]]:
    """``allowed_tools``: only these of the tools, so only these are offered."""
    return ToolChoice("any" if mode == "required" else "auto"), tuple(tool for tool in tools if tool.name in names)

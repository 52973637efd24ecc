"""A Responses request -> canonical. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate import turns
from auriga_router.translate.canonical import EFFORTS, OutputFormat, Request, Thinking, Tool, ToolChoice
from auriga_router.translate.chat.read_request import among, plain_choice, read_schema
from auriga_router.translate.fields import Fields
from auriga_router.translate.reply import Reply
from auriga_router.translate.responses.echo import echo
from auriga_router.translate.responses.read_items import read_input

_STATEFUL = {
    "previous_response_id": "no responses are stored here: send the whole conversation as input",
    "conversation": "no conversations are stored here: send the whole conversation as input",
    "prompt": "no prompts are stored here: send instructions and input",
}


def read_request(fields: Fields) -> tuple[Request, Reply]:
    """The request, and how to reply. Raises RequestError; what goes no further is in ``fields.notes``."""
    for name, why in _STATEFUL.items():
        if fields.raw(name) is not None:
            raise fields.error(why, name)
    if fields.flag("background"):
        raise fields.error("answers in the background cannot be given", "background")
    messages = read_input(fields)
    turns.check(messages)
    tools = tuple(_tools(fields))
    choice, tools = _tool_choice(fields, tools)
    output, verbosity = _text(fields)
    include = fields.texts("include")
    request = Request(
        model=fields.need_text("model"),
        messages=messages,
        stream=fields.flag("stream") or False,
        max_tokens=fields.integer("max_output_tokens", 1),
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        logprobs=(fields.integer("top_logprobs", 0) or 0) if "message.output_text.logprobs" in include else None,
        tools=tools,
        tool_choice=choice,
        parallel_tools=fields.flag("parallel_tool_calls"),
        output=output,
        thinking=_thinking(fields),
        verbosity=verbosity,
        user=_user(fields),
    )
    reply = Reply(
        logprobs=request.logprobs is not None,
        echo=echo(fields, request),
        encrypted_reasoning="reasoning.encrypted_content" in include,
    )
    if fields.flag("store"):
        fields.drop("store", "nothing is stored here")
    fields.end()
    return request, reply


def _user(fields: Fields) -> str | None:
    identifier = fields.text("safety_identifier")
    return fields.text("user") or identifier


def _text(fields: Fields) -> tuple[OutputFormat | None, str | None]:
    text = fields.object("text")
    if text is None:
        return None, None
    verbosity = text.word("verbosity", "low", "medium", "high")
    wanted = text.object("format")
    text.end()
    if wanted is None:
        return None, verbosity
    kind = wanted.word("type", "text", "json_object", "json_schema")
    if kind == "json_schema":
        return read_schema(wanted), verbosity
    wanted.end()
    return (OutputFormat() if kind == "json_object" else None), verbosity


def _thinking(fields: Fields) -> Thinking:
    reasoning = fields.object("reasoning")
    if reasoning is None:
        return Thinking()
    word = reasoning.word("effort", "none", *EFFORTS)
    for name in ("summary", "generate_summary"):
        reasoning.raw(name)  # thoughts are always shown where there are any
    reasoning.end()
    effort = next((known for known in EFFORTS if known == word), None)
    return Thinking(enabled=False if word == "none" else None, effort=effort)


def _tools(fields: Fields) -> Iterator[Tool]:
    for tool in fields.objects("tools"):
        if tool.need_text("type") != "function":
            raise tool.error("only function tools can be translated", "type")
        yield Tool(
            tool.need_text("name"),
            tool.text("description") or "",
            tool.json("parameters") or {},
            tool.flag("strict"),
            tool.path,
        )
        tool.end()


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
    """The choice, and the tools that it leaves."""
    given = fields.raw("tool_choice")
    if given is None or isinstance(given, str):
        return plain_choice(fields), tools
    choice = fields.need_object("tool_choice")
    kind = choice.need_text("type")
    if kind == "function":
        return ToolChoice("tool", choice.need_text("name")), tools
    if kind == "allowed_tools":
        names = {tool.need_text("name") for tool in choice.objects("tools")}
        return among(choice.word("mode", "auto", "required"), names, tools)
    raise choice.error("is not a choice that can be translated", "type")

"""Canonical -> a Messages request. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Effort, Json, Message, Reasoning, Request, Tool, ToolCall, ToolResult
from auriga_router.translate.chat.write_request import effort_of
from auriga_router.translate.messages.write_blocks import Turns
from auriga_router.translate.problems import Dropped, RequestError
from auriga_router.translate.target import Target

_JSON_ONLY = {"type": "text", "text": "Answer with one JSON object and nothing else."}
_BUDGETS: dict[Effort, int] = {
    "minimal": 1024, "low": 4096, "medium": 16_384, "high": 24_576, "xhigh": 32_768, "max": 32_768,
}  # fmt: skip
_LEAST_BUDGET = 1024


def write_request(request: Request, target: Target, notes: list[Dropped]) -> Json:
    """The document. Raises RequestError; what could not go on is added to ``notes``."""
    system, messages = Turns(target, notes).write(request.messages)
    if not messages:
        raise RequestError("must hold something that a user or an assistant said", ("messages",))
    document: Json = {"model": target.model, "max_tokens": request.max_tokens or target.default_max_tokens}
    if request.output is not None and request.output.schema is None:
        system.append(_JSON_ONLY)
        notes.append(Dropped(("response_format",), "said as an instruction"))
    if system:
        document["system"] = system[0]["text"] if len(system) == 1 else system
    document["messages"] = messages
    if request.stream:
        document["stream"] = True
    if request.stop:
        document["stop_sequences"] = list(request.stop)
    if request.user is not None:
        document["metadata"] = {"user_id": request.user}
    _tools(document, request)
    thinks = _think(document, request, target, notes)
    _sampling(document, request, target, notes, thinks=thinks)
    if request.output is not None and request.output.schema is not None:
        document.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": request.output.schema}
    return document


def _tools(document: Json, request: Request) -> None:
    if not request.tools:
        return
    document["tools"] = [_tool(tool) for tool in request.tools]
    choice = request.tool_choice
    chosen: Json = {"type": "auto" if choice is None else choice.mode}
    if choice is not None and choice.mode == "tool":
        chosen["name"] = choice.name
    if request.parallel_tools is not None and chosen["type"] != "none":
        chosen["disable_parallel_tool_use"] = not request.parallel_tools
    if choice is not None or len(chosen) > 1:
        document["tool_choice"] = chosen


def _tool(tool: Tool) -> Json:
    written: Json = {"name": tool.name, "input_schema": tool.schema or {"type": "object", "properties": {}}}
    if tool.description:
        written["description"] = tool.description
    if tool.strict:
        written["strict"] = True
    return written


def _sampling(document: Json, request: Request, target: Target, notes: list[Dropped], *, thinks: bool) -> None:
    unknown = ("seed", "frequency_penalty", "presence_penalty", "logprobs", "verbosity")
    notes.extend(Dropped((name,)) for name in unknown if getattr(request, name) is not None)
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is None:
            continue
        if not target.sampling or thinks:
            notes.append(Dropped((name,), "the model does not take it" if not thinks else "not while it thinks"))
        elif name == "temperature" and value > 1:
            document[name] = 1
            notes.append(Dropped((name,), "Anthropic's highest is 1"))
        else:
            document[name] = value


def _think(document: Json, request: Request, target: Target, notes: list[Dropped]) -> bool:
    """Write ``thinking`` and ``output_config.effort``; is there thinking that forbids other parameters?"""
    wanted = request.thinking
    if wanted.enabled is False:
        if target.no_thinking:
            document["thinking"] = {"type": "disabled"}
        return False
    if wanted.enabled is None and wanted.effort is None:
        return False
    forced = request.tool_choice is not None and request.tool_choice.mode in ("any", "tool")
    if target.effort:
        effort = wanted.effort or (None if wanted.budget is None else effort_of(wanted.budget))
        if effort is not None:
            document["output_config"] = {"effort": "low" if effort == "minimal" else effort}
        if not forced:
            shown = {"display": "summarized"} if target.shows_thoughts else {}
            document["thinking"] = {"type": "adaptive", **shown}
        return not forced
    budget = _budget(document, request) if target.budget and not forced and _may_think(request.messages) else None
    if budget is None:
        notes.append(Dropped(("thinking",), "the model cannot think here"))
        return False
    document["thinking"] = {"type": "enabled", "budget_tokens": budget}
    return True


def _budget(document: Json, request: Request) -> int | None:
    """Tokens to think with: below ``max_tokens``, which grows only if it was not the caller's."""
    wanted = request.thinking.budget or _BUDGETS[request.thinking.effort or "medium"]
    if request.max_tokens is None:
        document["max_tokens"] += wanted
    budget = min(max(wanted, _LEAST_BUDGET), document["max_tokens"] - 1)
    return budget if budget >= _LEAST_BUDGET else None


def _may_think(messages: tuple[Message, ...]) -> bool:
    """With a budget, Anthropic wants the calls whose results come last to follow thoughts that it signed.

    They do not where another model made them.
    """
    if not messages or not any(isinstance(part, ToolResult) for part in messages[-1].content):
        return True
    for message in reversed(messages[:-1]):
        if any(isinstance(part, ToolCall) for part in message.content):
            return any(isinstance(part, Reasoning) and part.signature for part in message.content)
    return True

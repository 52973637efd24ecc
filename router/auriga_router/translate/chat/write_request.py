"""Canonical -> a chat completion request. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Effort, Json, OutputFormat, Request, Thinking, Tool, ToolChoice
from auriga_router.translate.chat.write_parts import write_messages
from auriga_router.translate.problems import Dropped
from auriga_router.translate.target import Target

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def write_request(request: Request, target: Target, notes: list[Dropped]) -> Json:
    """The document. Raises RequestError; what could not go on is added to ``notes``."""
    document: Json = {"model": target.model, "messages": write_messages(request.messages, target, notes)}
    if request.stream:
        document["stream"] = True
        if target.stream_usage:
            document["stream_options"] = {"include_usage": True}
    if request.max_tokens is not None:
        document["max_completion_tokens" if target.openai else "max_tokens"] = request.max_tokens
    _sampling(document, request, target, notes)
    if request.tools:
        document["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            document["tool_choice"] = _tool_choice(request.tool_choice)
        if request.parallel_tools is not None:
            document["parallel_tool_calls"] = request.parallel_tools
    if request.output is not None:
        document["response_format"] = _response_format(request.output)
    effort = _effort(request.thinking)
    if effort and target.effort and (effort != "none" or target.no_thinking):
        document["reasoning_effort"] = effort
    elif effort:
        notes.append(Dropped(("reasoning_effort",), "the model does not take it"))
    return document


def _sampling(document: Json, request: Request, target: Target, notes: list[Dropped]) -> None:
    taken = {
        "temperature": target.sampling,
        "top_p": target.sampling,
        "top_k": target.top_k,
        "verbosity": target.openai,
    }
    for name in ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "verbosity", "user"):
        value = getattr(request, name)
        if value is not None and taken.get(name, True):
            document[name] = value
        elif value is not None:
            notes.append(Dropped((name,), "the model does not take it"))
    if request.stop:
        document["stop"] = list(request.stop)
    if request.logprobs is not None:
        document["logprobs"] = True
        if request.logprobs:
            document["top_logprobs"] = request.logprobs


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name, "parameters": tool.schema or {"type": "object", "properties": {}}}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return _CHOICES[choice.mode]


def _response_format(output: OutputFormat) -> Json:
    if output.schema is None:
        return {"type": "json_object"}
    schema: Json = {"name": output.name, "schema": output.schema}
    if output.description:
        schema["description"] = output.description
    if output.strict is not None:
        schema["strict"] = output.strict
    return {"type": "json_schema", "json_schema": schema}


def _effort(thinking: Thinking) -> Effort | str | None:
    if thinking.enabled is False:
        return "none"
    if thinking.effort is None and thinking.budget is not None:
        return effort_of(thinking.budget)
    return thinking.effort


def effort_of(budget: int) -> Effort:
    """A budget of tokens as a word."""
    return "low" if budget <= 4096 else "medium" if budget <= 16_384 else "high"

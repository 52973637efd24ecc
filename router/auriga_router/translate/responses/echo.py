"""What a response object repeats of its request, and the object itself. Pure."""

from __future__ import annotations

from auriga_router.translate.answer import Stop, Usage
from auriga_router.translate.canonical import Json, OutputFormat, Request, Tool
from auriga_router.translate.events import Started
from auriga_router.translate.fields import Fields
from auriga_router.translate.reply import RESPONSE_ID, Identity, Reply

_INCOMPLETE = {
    Stop.LENGTH: "max_output_tokens",
    Stop.CONTEXT: "max_output_tokens",
    Stop.REFUSAL: "content_filter",
}


def echo(fields: Fields, request: Request) -> Json:
    """The request's part of the object, as its readers expect it. Raises RequestError."""
    metadata = fields.json("metadata") or {}
    effort = "none" if request.thinking.enabled is False else request.thinking.effort
    return {
        "instructions": fields.text("instructions"),
        "max_output_tokens": request.max_tokens,
        "metadata": {key: value for key, value in metadata.items() if isinstance(value, str)},
        "parallel_tool_calls": request.parallel_tools is not False,
        "prompt_cache_key": fields.text("prompt_cache_key"),
        "reasoning": {"effort": effort, "summary": None},
        "safety_identifier": fields.text("safety_identifier"),
        "store": False,
        "temperature": request.temperature,
        "text": {"format": _format(request.output), "verbosity": request.verbosity},
        "tool_choice": fields.raw("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in request.tools],
        "top_logprobs": request.logprobs or 0,
        "top_p": request.top_p,
        "truncation": "disabled",
        "user": fields.text("user"),
    }


def _format(output: OutputFormat | None) -> Json:
    if output is None:
        return {"type": "text"}
    if output.schema is None:
        return {"type": "json_object"}
    return {
        "type": "json_schema",
        "name": output.name,
        "schema": output.schema,
        "description": output.description or None,
        "strict": output.strict,
    }


def _tool(tool: Tool) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or None,
        "parameters": tool.schema,
        "strict": tool.strict or False,
    }


def response_object(identity: Identity, given: Started, reply: Reply, output: list[Json], status: str) -> Json:
    """A response object without an end: no usage, nothing incomplete, no error."""
    return reply.echo | {
        "id": identity.reply_id(RESPONSE_ID, given.id),
        "object": "response",
        "created_at": given.created or identity.created,
        "model": given.model,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "previous_response_id": None,
        "output": output,
        "usage": None,
    }


def ending(stop: Stop, usage: Usage | None) -> Json:
    """What the end of the answer adds to the object."""
    reason = _INCOMPLETE.get(stop)
    return {
        "status": "completed" if reason is None else "incomplete",
        "incomplete_details": None if reason is None else {"reason": reason},
        "usage": None if usage is None else write_usage(usage),
    }


def write_usage(usage: Usage) -> Json:
    """``usage``."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_written},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def last_status(stop: Stop) -> str:
    """Of the last item: was it cut off?"""
    return "incomplete" if stop in (Stop.LENGTH, Stop.CONTEXT) else "completed"

"""What a request shows before anybody is asked: is it whole, and what must a member be capable of to answer it? Pure.

Not a reading of the whole dialect: only what nobody can answer, or what would be answered with a failure of the
endpoint's, as if that were to blame, and what decides who can be asked. Everything else is the endpoint's to judge:
also whether a tool result needs a call before it, which llama-server does not ask for.
"""

from __future__ import annotations

from typing import Any

from auriga_router import options
from auriga_router.body import BodyError
from auriga_router.dialects import Document, Operation
from auriga_router.needs import held


def survey(operation: Operation, document: Document) -> frozenset[str]:
    """What a member must be capable of. Raises BodyError for what nobody could answer."""
    for name in operation.required:
        if document.get(name) is None:
            raise BodyError(f"{name}: is required", name)
    options.check(operation, document)
    messages = document.get("messages")
    if messages is not None:
        worded = _only_words(messages)
        if worded and "tools" not in document and "functions" not in document:
            return operation.needs  # as most are, and so they are not gone through again
        if not worded:
            _check_contents(messages)
    _check_tools(document)
    found = held(document)
    return operation.needs | found if found else operation.needs


def _only_words(messages: object) -> bool:
    """Is there nothing but text in these turns, neither calls nor media?"""
    if not isinstance(messages, list):
        raise BodyError("messages: must be a list", "messages")
    if not messages:
        raise BodyError("messages: must hold at least one message", "messages")
    worded = True
    for message in messages:
        if not isinstance(message, dict):
            raise _bad_role(messages, None)
        role = message.get("role")
        if not isinstance(role, str) or not role:
            raise _bad_role(messages, role)
        if role == "tool" or not isinstance(message.get("content"), str):
            worded = False
    return worded


def _bad_role(messages: list[Any], role: object) -> BodyError:
    """About the first that is bad."""
    index = next(
        index for index, message in enumerate(messages) if not isinstance(message, dict) or message.get("role") is role
    )
    if not isinstance(messages[index], dict):
        return BodyError(f"messages[{index}]: must be an object", f"messages[{index}]")
    place = f"messages[{index}].role"
    if not isinstance(role, str):
        return BodyError(f"{place}: {'is required' if role is None else 'must be a string'}", place)
    return BodyError(f"{place}: must not be empty", place)


def _check_contents(turns: list[Document]) -> None:
    """A turn's content is a string or a list of parts; or there is none, as where tools are called."""
    for index, turn in enumerate(turns):
        content, place = turn.get("content"), f"messages[{index}].content"
        if content is not None and not isinstance(content, str | list):
            raise BodyError(f"{place}: must be a string or a list of parts", place)
        if not isinstance(turn.get("tool_call_id", ""), str):
            raise BodyError(f"messages[{index}].tool_call_id: must be a string", f"messages[{index}].tool_call_id")
        for number, part in enumerate(content) if isinstance(content, list) else ():
            if isinstance(part, str):
                continue  # a template may take it
            if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                raise BodyError(f"{place}[{number}]: must be an object with a type", f"{place}[{number}]")
            if part["type"] == "text" and not isinstance(part.get("text"), str):
                raise BodyError(f"{place}[{number}].text: must be a string", f"{place}[{number}].text")


def _check_tools(document: Document) -> None:
    tools = document.get("tools")
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise BodyError("tools: must be a list of objects", "tools")

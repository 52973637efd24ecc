"""Canonical answer -> a whole response object. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from auriga_router.translate.answer import Answer, AnswerPart
from auriga_router.translate.canonical import Json, Reasoning, RedactedReasoning, Refusal, Text
from auriga_router.translate.events import Started
from auriga_router.translate.reply import Identity, Reply
from auriga_router.translate.responses.echo import ending, last_status, response_object
from auriga_router.translate.responses.items import call_item, message_item, reasoning_item, refusal_part, text_part


def write_answer(answer: Answer, identity: Identity, reply: Reply) -> Json:
    """The response object."""
    bare = identity.bare_id(answer.id)
    parts = [part for part in answer.content if reply.encrypted_reasoning or not _sealed(part)]
    output = list(_items(answer, parts, bare, reply))
    given = Started(answer.id, answer.model, answer.created)
    document = response_object(identity, given, reply, output, "completed")
    return document | ending(answer.stop, answer.usage)


def _sealed(part: AnswerPart) -> bool:
    """Nothing in it that a client can read."""
    return isinstance(part, RedactedReasoning) or (isinstance(part, Reasoning) and not part.text)


def _items(answer: Answer, parts: list[AnswerPart], bare: str, reply: Reply) -> Iterator[Json]:
    logprobs = list(answer.logprobs or ()) if reply.logprobs else []
    for index, part in enumerate(parts):
        identifier = f"{bare}_{index}"
        status = last_status(answer.stop) if index == len(parts) - 1 else "completed"
        if isinstance(part, Text):
            yield message_item(identifier, [text_part(part.text, logprobs)], status)
            logprobs = []
        elif isinstance(part, Refusal):
            yield message_item(identifier, [refusal_part(part.text)], status)
        elif isinstance(part, Reasoning):
            signature = part.signature if reply.encrypted_reasoning else ""
            yield reasoning_item(identifier, part.text, status, signature=signature)
        elif isinstance(part, RedactedReasoning):
            yield reasoning_item(identifier, "", status, redacted=part.data)
        else:
            yield call_item(identifier, part.id, part.name, part.arguments, status, signature=part.signature)

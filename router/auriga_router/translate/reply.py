"""What a caller's request says about the form of the reply. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auriga_router.translate.canonical import Json


@dataclass(frozen=True, slots=True)
class Reply:
    """How the caller wants to be answered; no part of what the endpoint is asked."""

    stream_usage: bool = False
    """Chat completions: a last chunk with the usage."""
    logprobs: bool = False
    echo: Json = field(default_factory=dict, repr=False)
    """Responses: fields of the request that stand in its response object too."""
    encrypted_reasoning: bool = False
    """Responses: give signatures, as ``encrypted_content``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the reply is called. Ids and time come from outside: this package has neither."""

    id: str
    """Used where the endpoint gave none. Letters, digits, ``_`` and ``-``."""
    created: int
    """Unix seconds, where the endpoint's dialect does not say."""
    verbatim: bool = False
    """Keep the endpoint's id as it is: the caller has seen it already."""

    def reply_id(self, prefix: str, given: str) -> str:
        """The id with the dialect's prefix, so that one reply is found under one id in every dialect."""
        return given if self.verbatim and given else prefix + self.bare_id(given)

    def bare_id(self, given: str) -> str:
        """The id without its dialect's prefix; safe inside JSON whatever the endpoint made of it."""
        bare = given or self.id
        for known in _PREFIXES:
            bare = bare.removeprefix(known)
        return _UNSAFE.sub("_", bare)[:_LONGEST]


CHAT_ID = "chatcmpl-"
MESSAGE_ID = "msg_"
RESPONSE_ID = "resp_"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:-]")
_LONGEST = 128
_PREFIXES = (CHAT_ID, MESSAGE_ID, RESPONSE_ID)

"""Going on with a plain completion: the prompt, and after it what was said so far, is the prompt. Pure.

Nothing is simpler or more exact: no template stands between the words and the model.
"""

from __future__ import annotations

import orjson

from auriga_router.dialects import Document
from auriga_router.translate import Identity, RequestError, Start, Tape, Wire, decoder
from auriga_router.translate.fields import to_json
from auriga_router.translate.numbers import whole
from auriga_router.translate.stream import Decoder

_OTHERWISE = (
    "echo", "suffix", "logprobs", "n_probs", "best_of",
    "grammar", "json_schema", "response_format", "structured_outputs",
    "guided_json", "guided_regex", "guided_choice", "guided_grammar",
)  # fmt: skip
"""Fields with which an answer is more than the words after the prompt, or has a form that would begin anew."""
_LIMITS = ("max_tokens", "n_predict")
_NOBODY = Identity("", 0)


def check(document: Document) -> str:
    """The prompt of a completion that can be gone on with. Raises RequestError."""
    prompt = document.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or any(document.get(name) for name in _OTHERWISE):
        raise RequestError("this completion cannot be continued")
    return prompt


def token_limit(body: bytes) -> int | None:
    """Tokens that the answer may have; None: no limit is known."""
    limits = _limits(orjson.loads(body))
    return min(limits.values()) if limits else None


def _limits(document: Document) -> dict[str, int]:
    return {name: limit for name in _LIMITS if (limit := whole(document.get(name)) or 0) > 0}


class Continuation:
    """The request for the rest. Implements Way."""

    streams = True

    def __init__(self, document: Document, tape: Tape, *, external: bool) -> None:
        """Raises RequestError."""
        limits = _limits(document)
        if external and not limits:
            raise RequestError("nobody knows how much is left of the provider's own limit")
        left = {name: max(limit - tape.tokens, 1) for name, limit in limits.items()}
        self._body = to_json(document | left | {"prompt": check(document) + tape.text})
        self.start = Start("", tape.tokens)

    def step(self) -> tuple[bytes, bytes]:
        """See Way."""
        return b"/completions", self._body

    def take(self, status: int, body: bytes) -> None:
        """See Way. Only a stream will do."""

    def decoder(self) -> Decoder:
        """See Way."""
        return decoder(Wire.CHAT, _NOBODY)

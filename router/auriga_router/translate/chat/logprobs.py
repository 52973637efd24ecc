"""Log probabilities of tokens, as OpenAI writes them. Pure."""

from __future__ import annotations

from auriga_router.translate.canonical import Json
from auriga_router.translate.numbers import word


def read_logprobs(choice: Json) -> list[Json] | None:
    """``logprobs.content`` with what every client expects of it; what is not a token's is left out."""
    holder = choice.get("logprobs")
    content = holder.get("content") if isinstance(holder, dict) else None
    if not isinstance(content, list):
        return None
    tokens = []
    for item in content:
        token = _token(item)
        if token is not None:
            top = item.get("top_logprobs")
            read = [_token(other) for other in (top if isinstance(top, list) else ())]
            tokens.append(token | {"top_logprobs": [other for other in read if other is not None]})
    return tokens


def _token(item: object) -> Json | None:
    if not isinstance(item, dict):
        return None
    logprob = item.get("logprob")
    if not isinstance(logprob, int | float) or isinstance(logprob, bool) or not isinstance(item.get("token"), str):
        return None
    text = word(item, "token")
    spelled = item.get("bytes")
    fits = isinstance(spelled, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in spelled)
    return {"token": text, "bytes": spelled if fits else list(text.encode()), "logprob": logprob}

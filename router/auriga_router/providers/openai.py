"""OpenAI, and whatever else has its API. Pure.

Models: https://platform.openai.com/docs/models
"""

from __future__ import annotations

import re

from auriga_router.providers.facts import OPENAI_PATHS, Provider
from auriga_router.translate import Target

_REASONING = re.compile(r"(?:^|/)(?:o\d|gpt-([5-9](?:\.\d+)?|\d\d(?:\.\d+)?))(?!.*chat)")
_PLAIN = re.compile(r"(?:^|/)(?:chatgpt|gpt-(?:3|4)|gpt-audio|gpt-5[\d.]*-chat)")


def _target(model: str) -> Target:
    reasons = _REASONING.search(model)
    version = tuple(int(number) for number in (reasons[1] or "0").split(".")) if reasons else ()
    return Target(
        model,
        sampling=reasons is None,
        effort=_PLAIN.search(model) is None,
        no_thinking=reasons is None or version >= (5, 1),
        prefill=False,
        openai=True,
    )


OPENAI = Provider(
    OPENAI_PATHS,
    _target,
    default_url="https://api.openai.com/v1",
    explains=frozenset({429}),  # no credit left (insufficient_quota) is no rate limit: waiting does not help
)
COMPATIBLE = Provider(OPENAI_PATHS, Target)
"""vLLM, LM Studio, OpenRouter and other servers: they take nearly what OpenAI takes, and ignore or refuse the rest."""

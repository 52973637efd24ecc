"""How many tokens a request took, as the bytes of its answer tell: whole or streamed, in any dialect. Pure.

Only for Models with a limit of tokens. Inside a JSON string the names that are looked for cannot occur: their quotes
would be escaped.
"""

from __future__ import annotations

import re
from typing import Final

_PROMPT: Final = re.compile(rb'"(?:prompt_tokens|input_tokens)"[ \t\r\n]*:[ \t\r\n]*(\d{1,12})')
_ANSWER: Final = re.compile(rb'"(?:completion_tokens|output_tokens)"[ \t\r\n]*:[ \t\r\n]*(\d{1,12})')
_CACHED: Final = re.compile(rb'"cache_(?:read|creation)_input_tokens"[ \t\r\n]*:[ \t\r\n]*(\d{1,12})')
"""Anthropic counts them beside its input, OpenAI within."""
_EVENT: Final = b"data: {"
_BYTES_A_TOKEN: Final = 4
_END: Final = 16 * 1024
"""Usage stands near the beginning or the end."""


def of_prompt(size: int) -> int:
    """Before anything is known: ``size`` is that of the request."""
    return size // _BYTES_A_TOKEN


def of_answer(said: bytes, prompt: int) -> int:
    """Prompt and answer. ``prompt``: what was thought of it before, which counts where nothing is said.

    Where no usage is said, each event of a stream is a token, as llama-server and most others have it.
    """
    ends = said if len(said) <= 2 * _END else said[:_END] + said[-_END:]
    prompts, answers = _PROMPT.findall(ends), _ANSWER.findall(ends)
    if not answers:
        return int(prompts[-1]) if prompts else prompt + said.count(_EVENT)
    # Those of a stream are cumulative: the last one counts.
    asked = int(prompts[-1]) if prompts else prompt
    return asked + sum(map(int, _CACHED.findall(ends)[:2])) + int(answers[-1])

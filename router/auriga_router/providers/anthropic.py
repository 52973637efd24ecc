"""Anthropic. Pure.

Facts of 2026-11: https://platform.claude.com/docs/en/api/overview, and the migration guides of its models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from auriga_router.dialects import COUNTS_TOKENS
from auriga_router.dialects.anthropic import COUNT_TOKENS, MESSAGES
from auriga_router.providers.facts import Provider
from auriga_router.translate import Target, Wire

_NUMBERS = re.compile(r"(?<![a-z0-9])\d{1,2}(?![0-9])")
_NEWEST = (99, 0)
_ALWAYS_THINKS = re.compile(r"fable|mythos")


def _key(key: str) -> Mapping[str, str]:
    return {"x-api-key": key}


def _target(model: str) -> Target:
    version = _version(model)
    return Target(
        model,
        default_max_tokens=4096 if version < (3, 7) else 8192 if version < (4, 0) else 32_000,
        sampling=version < (4, 7),
        effort=version >= (4, 6),
        no_thinking=version >= (4, 6) and _ALWAYS_THINKS.search(model) is None,
        budget=(3, 7) <= version < (4, 6),
        shows_thoughts=version >= (4, 7),
        inline_system=version >= (4, 8),
        prefill=version < (4, 6),
    )


def _version(model: str) -> tuple[int, int]:
    """``claude-opus-4-8`` -> (4, 8), ``claude-3-5-haiku-20241022`` -> (3, 5); a name without numbers is new."""
    numbers = [int(number) for number in _NUMBERS.findall(model)]
    if not numbers:
        return _NEWEST
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


ANTHROPIC = Provider(
    frozenset({MESSAGES.path, COUNT_TOKENS.path}),
    _target,
    Wire.MESSAGES,
    default_url="https://api.anthropic.com",
    version="/v1",
    authorize=_key,
    headers={"anthropic-version": "2023-06-01"},
    has=frozenset({COUNTS_TOKENS}),
    lacks=frozenset({"completions", "embeddings"}),
)

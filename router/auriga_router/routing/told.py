"""What callers are told of a Model's condition: not what its engine said, and nothing of the machine's disks. Pure."""

from __future__ import annotations

import re

from auriga_api.model_status import ENGINE_SAID, FILES_THERE

_LONG = 500
"""Characters of a condition's message that a caller is told at most."""
_PATH = re.compile(r"(?<![^\s'\"(=])(?:~[\w-]*|\.{1,2})?/(?:[^:;,]*?\.gguf\b|[^\s:;,'\")]*)")
"""A path on a disk. An address is none (a slash after its colon), nor is a repository (letters before its slash)."""


def for_callers(message: str) -> str:
    """The message without the engine's own words, among which prompts may be, and without paths."""
    for mark in (ENGINE_SAID, FILES_THERE):
        message = message.partition(mark)[0]
    message = _PATH.sub("(path)", message[: 4 * _LONG])
    return message if len(message) <= _LONG else message[: _LONG - 3] + "..."

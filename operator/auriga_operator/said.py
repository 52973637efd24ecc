"""What a llama-server said of why it gave up: it names the cause early, then tells a page of consequences. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MOST = 3
_LONGEST = 300
_START = re.compile(r"(?:\x1b\[[0-9;]*m)*(?:\d+\.\d+\.\d+\.\d+ ([DIWE]) )?(?:\x1b\[[0-9;]*m)*")
"""Of a line of llama.cpp: time since its start, and level, since 2026; neither before, nor what others write."""
_ERROR = re.compile(
    r"\b(?:error|failed|failure|fatal|cannot|can't|could(?: not|n't)|unable|invalid|unknown|unsupported|out of memory"
    r"|not enough|no such file|not found|permission denied|terminate called|what\(\)|exception|assert|corrupted)\b",
    re.IGNORECASE,
)
_CONSEQUENCE = re.compile(
    r"failed to load model|unable to load model|exiting due to|trying to fit params|llama_init\S*: error"
    r"|failed to (?:create|initialize) (?:the |llama_)?context",
    re.IGNORECASE,
)
"""That nothing came of it. True of each failure, and told several times."""


_ROUTINE = re.compile(r"(?:slot|srv|que) +\w+|\s*(?:prompt eval|eval|total) time =")
"""What llama-server tells of requests that go well, in builds that write no levels."""


def causes(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that tell why it ended, in their order and without times; none if no line looks like it."""
    errors = dict.fromkeys(text for text in map(_error, lines) if text)
    named = [text for text in errors if not _CONSEQUENCE.search(text)]
    told = (named or [*errors])[-_MOST:]
    return tuple(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..." for text in told)


def cause(lines: Sequence[str]) -> str:
    """The same on one line; where none looks like an error the last one, unless it is known to be none."""
    last = [line for line in lines[-1:] if not _level(line)]
    return " | ".join(causes(lines) or last)


def worth_showing(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """What people are shown of its last lines: the causes, else the last ``most`` less what it says of each request."""
    return causes(lines) or tuple(line for line in lines[-most:] if not _level(line) and not _ROUTINE.match(line))


def _level(line: str) -> str:
    start = _START.match(line)
    return (start[1] or "") if start else ""


def _error(line: str) -> str:
    """The line without what precedes its text; empty if it tells of no error."""
    start = _START.match(line)
    text = line[start.end() :].strip() if start else line.strip()
    level = start[1] if start else None
    return text if level == "E" or (level is None and _ERROR.search(text)) else ""

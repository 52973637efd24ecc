"""What can go wrong in a translation, by name, and what it leaves out. Nothing here ever holds what somebody wrote.

Pure, as all of this package.
"""

from __future__ import annotations

from typing import NamedTuple

Path = tuple[str | int, ...]
"""Where a field stands in a document: ``("messages", 0, "content")``."""


class Dropped(NamedTuple):
    """A field that the other dialect has no place for. The request goes on without it."""

    path: Path
    reason: str = ""
    """Empty: the field is unknown to the other dialect."""


class TranslationError(Exception):
    """The only thing that a translation raises."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(TranslationError):
    """A request that is not one of its dialect, or that the other dialect cannot express."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


class AnswerError(TranslationError):
    """An endpoint's answer that is not one of its dialect, or that the other dialect cannot express."""


def openai_path(path: Path) -> str:
    """The path as OpenAI's ``param`` has it: ``messages[0].content``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def anthropic_path(path: Path) -> str:
    """The path as Anthropic's messages begin with it: ``messages.0.content``."""
    return ".".join(map(str, path))

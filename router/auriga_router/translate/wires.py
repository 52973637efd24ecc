"""The wire formats that callers and endpoints speak. Pure."""

from __future__ import annotations

from enum import Enum


class Wire(Enum):
    """A wire format, by its path under ``/v1``."""

    CHAT = b"/chat/completions"
    MESSAGES = b"/messages"
    RESPONSES = b"/responses"
    """For callers only."""

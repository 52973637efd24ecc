"""How long a Retry-After header asks to wait. Pure."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def parse_retry_after(value: bytes, wall_now: float, milliseconds: bytes = b"") -> float | None:
    """Seconds to wait: the header holds seconds or an HTTP date. None if it is absent or neither.

    ``wall_now``: seconds since the epoch. ``milliseconds``: the value of ``retry-after-ms``, which is more exact.
    """
    if milliseconds.isdigit():
        return int(milliseconds[:12]) / 1000
    text = value.decode("latin-1").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text)) if text[0].isdigit() else max(0.0, _timestamp(text) - wall_now)
    except (ValueError, OverflowError):
        return None


def _timestamp(text: str) -> float:
    return parsedate_to_datetime(text).timestamp()

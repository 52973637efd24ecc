"""Data URLs: how OpenAI's dialects write files into JSON. Pure."""

from __future__ import annotations

from auriga_router.translate.problems import Path, RequestError

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""What Anthropic takes."""
PDF = "application/pdf"


def is_data_url(url: str) -> bool:
    """Is the file itself in it?"""
    return url[:5].lower() == "data:"


def split_data_url(url: str, path: Path) -> tuple[str, str]:
    """Media type and base64 text. Raises RequestError."""
    head, comma, data = url.partition(",")
    media_type, *options = head[5:].split(";")
    if not comma or not options or options[-1].strip().lower() != "base64":
        raise RequestError("must be a URL, or data:<media type>;base64,<data>", path)
    return media_type.strip().lower(), data


def data_url(media_type: str, data: str) -> str:
    """The file as a data URL."""
    return f"data:{media_type};base64,{data}"

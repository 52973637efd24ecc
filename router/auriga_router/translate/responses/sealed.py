"""``encrypted_content`` of reasoning items: where Anthropic's signatures travel through a Responses client. Pure."""

from __future__ import annotations

_SIGNED = "anthropic.signature:"
_REDACTED = "anthropic.redacted:"


def seal_signature(signature: str) -> str:
    """The signature of the item's own text."""
    return _SIGNED + signature


def seal_redacted(data: str) -> str:
    """Thoughts that have no text."""
    return _REDACTED + data


def unseal(sealed: str) -> tuple[str, str]:
    """Signature and redacted data, of which at most one is not empty."""
    if sealed.startswith(_SIGNED):
        return sealed.removeprefix(_SIGNED), ""
    return "", sealed.removeprefix(_REDACTED) if sealed.startswith(_REDACTED) else ""

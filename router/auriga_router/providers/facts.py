"""What there is to know of a provider, as a value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auriga_router.dialects.openai import CHAT, COMPLETIONS, EMBEDDINGS
from auriga_router.translate import Target, Wire

OPENAI_PATHS = frozenset({CHAT.path, COMPLETIONS.path, EMBEDDINGS.path})
"""What every server with OpenAI's API takes."""


def bearer(key: str) -> Mapping[str, str]:
    """A key as OpenAI takes it."""
    return {"authorization": f"Bearer {key}"}


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider."""

    speaks: frozenset[bytes]
    """Paths of the operations that it takes as they come."""
    target: Callable[[str], Target]
    """What its model of this name takes of a request that is translated."""
    wire: Wire = Wire.CHAT
    """What other operations are translated to."""
    default_url: str = ""
    version: str = ""
    """Last part of the path, where the base URL may be written without it."""
    authorize: Callable[[str], Mapping[str, str]] = bearer
    """The headers that hold the key."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every request."""
    explains: frozenset[int] = frozenset()
    """Statuses of errors whose bodies say more about what is to be done, and so are read; the caller's always are."""
    has: frozenset[str] = frozenset()
    """What it can do though no Model declares it."""
    lacks: frozenset[str] = frozenset()
    """What it cannot do whatever a Model declares."""

"""In which order the members of a chain are tried. Pure. One function for each strategy."""

from __future__ import annotations

from auriga_router.table import Chain, Member


def order(chain: Chain) -> tuple[Member, ...]:
    """The members as this request should try them: as written (``strategy: Ordered``)."""
    return chain.members

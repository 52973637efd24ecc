"""What is true of a RoleChain now. Written by the operator, or by local mode for display."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auriga_api.base import Condition, Schema
from auriga_api.rules import ListMap


class MemberStatus(Schema):
    """What is true of a member now."""

    model: str
    """Name of the Model."""
    ready: bool = False
    """Whether it can answer."""
    ready_endpoints: Annotated[int, Field(ge=0)] = 0
    """Endpoints that can answer."""
    breaker: str = ""
    """State of its breakers: closed, open or half-open."""
    reason: str = ""
    """Why it is not ready, as one word."""


class RoleChainStatus(Schema):
    """What is true of a RoleChain now."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The metadata.generation that the status was made for."""
    role: str = ""
    """What callers send as model: spec.role, or the name of the RoleChain."""
    members: Annotated[list[MemberStatus], Field(max_length=32), ListMap("model")] = []
    """What is true of each member, in the order of spec."""
    active_member: str = ""
    """The member that the next request is sent to first."""
    ready_members: Annotated[int, Field(ge=0)] = 0
    """Members that can answer."""
    conditions: Annotated[list[Condition], Field(max_length=16), ListMap("type")] = []
    """Ready, MembersResolved, SynonymsUnique, FallbackAvailable: each says why, and what to do."""

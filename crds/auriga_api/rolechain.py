"""The RoleChain: a role and the ordered Models that may answer for it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from auriga_api.base import API_VERSION, Locality, Name, ObjectMeta, Schema
from auriga_api.fields import OptionalRole, RoleName
from auriga_api.model import Capability
from auriga_api.quantity import Duration, seconds
from auriga_api.rolechain_status import MemberStatus, RoleChainStatus
from auriga_api.rules import ListMap, ListSet, Rule

__all__ = [
    "Breaker", "ChainPrivacy", "Fallback", "FallbackOn", "Member", "MemberStatus", "MemberTimeouts", "RoleChain",
    "RoleChainSpec", "RoleChainStatus", "Strategy", "Streaming", "When",
]  # fmt: skip

Strategy = Literal["Ordered", "Weighted", "LeastLatency", "LeastCost", "Adaptive"]
FallbackOn = Literal[
    "Connect",
    "Timeout",
    "ServerError",
    "RateLimited",
    "Empty",
    "Malformed",
    "Unauthorized",
    "Unsupported",
    "ContextOverflow",
]

_SPEC_RULES: tuple[Rule[RoleChainSpec], ...] = (
    Rule(
        "self.strategy != 'Weighted' || self.members.exists(member, member.weight > 0)",
        lambda spec: spec.strategy != "Weighted" or any(member.weight > 0 for member in spec.members),
        "give at least one member a weight above 0: with strategy Weighted, nobody would be asked",
        "members",
    ),
)

_TIMEOUT_RULES: tuple[Rule[MemberTimeouts], ...] = (
    Rule(
        "!has(self.total) || [self.?connect, self.?firstToken, self.?stall]"
        ".all(part, duration(part.orValue('1ms')) <= duration(self.total))",
        lambda limit: limit.total is None or all(
            seconds(part) <= seconds(limit.total) for part in (limit.connect, limit.first_token, limit.stall) if part
        ),
        "total must not be below connect, firstToken or stall: it bounds the whole attempt",
        "total",
    ),
)  # fmt: skip

_CHAIN_RULES: tuple[Rule[RoleChain], ...] = (
    Rule(
        "self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",
        lambda chain: len(chain.metadata.name) <= 63 and "." not in chain.metadata.name,
        "name a RoleChain with at most 63 lower-case letters, digits and dashes",
        "metadata.name",
    ),
    Rule(
        "!has(self.spec.synonyms) || !((self.spec.?role.orValue('') == '' ? self.metadata.name : self.spec.role)"
        " in self.spec.synonyms)",
        lambda chain: chain.role not in chain.spec.synonyms,
        "remove the synonym that is the role itself: the chain answers to it already",
        "spec.synonyms",
    ),
)


class MemberTimeouts(Schema):
    """Overrides the Model's limits of one attempt, for this member only."""

    rules = _TIMEOUT_RULES

    connect: Duration | None = None
    """Until the connection stands. Default: as the Model has it."""
    first_token: Duration | None = None
    """From sending the request until the first token of the answer. Default: as the Model has it."""
    stall: Duration | None = None
    """Between two tokens. Default: as the Model has it."""
    total: Duration | None = None
    """For the whole attempt. Default: as the Model has it."""


class When(Schema):
    """When the member may be asked; empty means always."""

    locality_in: Annotated[list[Locality], Field(max_length=2), ListSet()] = []
    """Only if the Model is in one of these localities."""
    capabilities: Annotated[list[Capability], Field(max_length=6), ListSet()] = []
    """Only for requests that need one of these capabilities, such as [vision]."""


class Member(Schema):
    """One Model in a RoleChain, with its own limits."""

    model: Name
    """Name of a Model in this namespace."""
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    """Share of the requests with strategy Weighted; 0 is asked only when all others fail."""
    timeouts: MemberTimeouts = MemberTimeouts()
    """Time limits of one attempt that differ from the Model's."""
    when: When = When()
    """When it may be asked. Default: always."""


class Fallback(Schema):
    """When and how far a request goes on to the next member."""

    # `on` would be `true`: kubectl reads YAML 1.1, where an unquoted key `on` is a boolean.
    on: Annotated[list[FallbackOn], Field(alias="onOutcomes", max_length=9), ListSet()] = list(get_args(FallbackOn))
    """Outcomes of an attempt after which the next endpoint or member is asked. Default: all; [] never goes on."""
    max_attempts: Annotated[int, Field(ge=1, le=32)] = 6
    """Attempts at most, over all members."""
    deadline: Duration = "10m"
    """Time for all attempts together, until the answer begins. A flowing stream is bounded by timeouts.total alone."""
    on_busy: Literal["Queue", "Spill"] = "Queue"
    """When all slots of a member are busy: Queue waits for one, Spill asks the next member."""
    on_cold: Literal["Spill", "Wait"] = "Spill"
    """When a member is at zero replicas or still loading: Spill wakes it and asks the next, Wait holds the request."""


class Streaming(Schema):
    """What happens to a stream that breaks after its first content."""

    on_break: Literal["Resume", "Error"] = "Resume"
    """Resume lets another endpoint or member continue the begun answer; Error ends the stream with an error."""
    inside: bool = False
    """Answers requests that ask for no stream from a stream too, so that they can be resumed."""


class Breaker(Schema):
    """When an endpoint that keeps failing is left alone, and for how long."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Failures within window that open the breaker of an endpoint."""
    window: Duration = "30s"
    """Time over which failures count."""
    cooldown: Duration = "15s"
    """Time until one probe is let through again."""


class ChainPrivacy(Schema):
    """What may leave the cluster."""

    local_only: bool = False
    """Never asks a member whose locality is Cloud."""


class RoleChainSpec(Schema):
    """What the user wants of a RoleChain."""

    rules = _SPEC_RULES

    role: OptionalRole = ""
    """What callers send as model, such as coding. Default: the name of the RoleChain."""
    synonyms: Annotated[list[RoleName], Field(max_length=32), ListSet()] = []
    """Other names that callers may send, such as [programming, developer]."""
    description: Annotated[str, Field(max_length=1024)] = ""
    """What the role is for, in a sentence."""
    members: Annotated[list[Member], Field(min_length=1, max_length=32), ListMap("model")]
    """The Models that answer, in the order in which they are asked."""
    strategy: Strategy = "Ordered"
    """How the first member is chosen: Ordered asks them from the top, Weighted by weight, LeastLatency the fastest,
    LeastCost the cheapest, Adaptive by what has worked lately. The others follow when it fails."""
    fallback: Fallback = Fallback()
    """When and how far a request goes on to the next member."""
    streaming: Streaming = Streaming()
    """What happens to a stream that breaks after its first content."""
    breaker: Breaker = Breaker()
    """When an endpoint that keeps failing is left alone."""
    privacy: ChainPrivacy = ChainPrivacy()
    """What may leave the cluster."""


class RoleChain(Schema):
    """A role and its ordered members: if the first Model fails, the next one answers."""

    rules = _CHAIN_RULES

    api_version: Literal["auriga.dev/v1alpha1"] = API_VERSION
    """auriga.dev/v1alpha1"""
    kind: Literal["RoleChain"] = "RoleChain"
    """RoleChain"""
    metadata: ObjectMeta
    """Name, namespace, labels."""
    spec: RoleChainSpec
    """What is wanted of it."""
    status: RoleChainStatus | None = None
    """What is true of it now."""

    @property
    def role(self) -> str:
        """What callers send as ``model``: ``spec.role``, or by default the object's name."""
        return self.spec.role or self.metadata.name

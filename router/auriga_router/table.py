"""The routing table: what a snapshot means to a request. Compiled whole, swapped whole, never edited.

Its values are immutable but for the counters they point to (``Endpoint``, ``Tally``), which live on from one table
to the next. Pure; ``compile.py`` builds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from auriga_api.base import Locality
from auriga_api.rolechain import Strategy
from auriga_router.endpoint import Endpoint
from auriga_router.routing.gate import BreakerSettings
from auriga_router.routing.ring import Ring
from auriga_router.slots import Slots
from auriga_router.snapshot import Snapshot
from auriga_router.tally import Tally
from auriga_router.translate import Target, Wire


class NotReady(NamedTuple):
    """Why a Model or a member cannot be asked at all: a word for machines, a line for people."""

    reason: str
    message: str


class Progress(NamedTuple):
    """How far a Model is that has no endpoint yet."""

    phase: str
    done: int = 0
    """Bytes of its weights that are here."""
    total: int = 0
    """Bytes in all; 0: unknown, or nothing is downloaded."""
    left: float = 0.0
    """Seconds until the download is whole; 0: unknown."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one attempt, in seconds."""

    connect: float
    first_token: float
    stall: float
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """A Model as something to send requests to."""

    key: str
    name: str
    locality: Locality
    capabilities: frozenset[str]
    context_length: int
    """Tokens that one request may fill; 0 if unknown."""
    timeouts: Timeouts
    endpoints: tuple[Endpoint, ...] = ()
    path: bytes = b"/v1"
    """What the operation's own path is appended to."""
    headers: bytes = field(default=b"", repr=False)
    """Header lines of every request to it, each ending in CRLF. They hold the provider's key."""
    credential: bytes = field(default=b"", repr=False)
    """That key alone; empty if there is none."""
    speaks: frozenset[bytes] = frozenset()
    """Paths of the operations that it takes as they come."""
    wire: Wire = Wire.CHAT
    """What the others are translated to."""
    explains: frozenset[int] = frozenset()
    """Statuses of errors whose bodies say more about what is to be done."""
    target_of: Callable[[str], Target] = Target
    """What its model of this name takes of a request that is translated."""
    model_json: bytes = b'""'
    """The model's name at the endpoint, as JSON: takes the place of the caller's."""
    not_ready: NotReady | None = None
    external: bool = False
    """A provider's, not served here."""
    ring: Ring | None = None
    """Where conversations belong; None if there is nothing to choose."""
    parallel: int = 0
    """Slots of each endpoint; 0 if unknown."""
    slots: Slots = field(default_factory=Slots)
    """Its load, and who waits for it. Outlives the table."""
    capacity: int = 0
    """Requests that it works on at the same time; 0: no limit."""
    is_limited: bool = False
    """That is what somebody has written, and not its slots."""
    max_queued: int = 0
    """Requests that may wait for a slot."""
    per_minute: int = 0
    """Requests per minute; 0: no limit."""
    tokens_per_minute: int = 0
    """Tokens of prompts and answers; 0: no limit."""
    cold: bool = False
    """It has no endpoint, and may get one by itself."""
    wakes: bool = False
    """It is cold, and gets an endpoint because somebody asks."""
    starts: bool = False
    """It is cold, and somebody starts it and tells of that: because it is asked, or by itself."""
    returns: bool = False
    """It has no endpoint any more, and is being started again; not cold if that is because it crashed."""
    asleep: bool = False
    """It is served here and has no endpoint, for whatever reason but that it is suspended."""
    progress: Progress | None = None
    """Of one that is asleep."""
    price: float = 0.0
    """US dollars per million tokens, three of four of them in the prompt, as is usual."""
    secret: str = ""
    """Key of the Secret that was read for it."""
    reply_headers: bytes = b""
    """The reply's headers when this Model answers at the first attempt."""

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.key.partition("/")[0]

    @property
    def target(self) -> Target:
        """What a translation must know of it."""
        return self.target_of(json.loads(self.model_json))


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A Model in one RoleChain."""

    backend: Backend
    timeouts: Timeouts
    tally: Tally
    reply_headers: bytes
    """The reply's headers when this member answers at the first attempt."""
    weight: int = 1
    not_ready: NotReady | None = None
    only_for: frozenset[str] = frozenset()
    """Asked only by requests that need one of these capabilities; by all if empty."""

    def excluded(self, why: NotReady) -> Member:
        """The same member, not to be asked."""
        return replace(self, not_ready=why)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A role with its members; or a Model called by its own name, as a chain of one."""

    key: str
    role: str
    members: tuple[Member, ...]
    strategy: Strategy
    fallback_on: int
    """Set of outcomes (bits) after which the next attempt follows."""
    max_attempts: int
    deadline: float
    """Seconds over all attempts, while nothing is committed."""
    breaker: BreakerSettings
    inside: bool
    """Answer requests that are not streamed from a stream."""
    resume: bool
    """Continue a broken stream elsewhere; else end it with an error."""
    replies: dict[int, int]
    """Replies given so far, by status. Outlives the table."""
    capabilities: frozenset[str]
    """What at least one member can do."""
    is_role: bool = True
    synonyms: tuple[str, ...] = ()
    models: frozenset[str] = frozenset()
    """Keys of the members' Models, those that do not exist included."""
    balanced: bool = False
    """Some member has several endpoints: then the conversation decides between them."""
    queues: bool = True
    """Waits for a slot of a busy member, instead of asking the next one."""
    waits_for_cold: bool = False
    """Waits for a member that has no endpoint yet, instead of asking the next one."""
    has_asleep: bool = False
    """Some member is served here and has no endpoint."""
    as_written: bool = True
    """The members are the same for every request, in the same order."""

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self.key.partition("/")[0]

    def with_members(self, members: tuple[Member, ...]) -> Chain:
        """The same chain as one request sees it. It counts where this one does."""
        return replace(self, members=members)


class Claim(NamedTuple):
    """A chain that wants to be meant by a name."""

    rank: int
    """The lowest wins, and of equal ones the first key."""
    chain: Chain

    @property
    def order(self) -> tuple[int, str]:
        """Sorts the claims of one namespace."""
        return self.rank, self.chain.key


@dataclass(frozen=True, slots=True)
class Names:
    """Who claims which name, and what each name means because of that. ``naming.py`` makes it."""

    default_namespace: str = "default"
    meant: dict[str, Chain] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Unprefixed names that several namespaces have -> the prefixed names to choose from."""
    claims: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)
    """By name, without a namespace."""


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Every name that callers may send, and everything it leads to."""

    names: dict[str, Chain] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)
    """The RoleChains, by key."""
    directs: Mapping[str, Chain] = field(default_factory=dict)
    """The Models called by their own names, by key."""
    backends: Mapping[str, Backend] = field(default_factory=dict)
    naming: Names = field(default_factory=Names)
    """Why the names mean what they do."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    """What it was compiled from."""
    changed: frozenset[str] = frozenset()
    """Keys of the Models that are not as they were in the table before."""
    edited: frozenset[str] = frozenset()
    """Keys of the RoleChains that have come, gone or changed themselves, whatever became of their Models."""
    left: tuple[Endpoint, ...] = ()
    """Endpoints of the table before that are not in this one."""

    @property
    def ambiguous(self) -> Mapping[str, tuple[str, ...]]:
        """Unprefixed names that several namespaces have -> the prefixed names to choose from."""
        return self.naming.ambiguous

    @property
    def all_chains(self) -> Iterator[Chain]:
        """RoleChains, and Models called by their own names."""
        return chain(self.chains.values(), self.directs.values())

    def parts(self) -> list[object]:
        """What it holds. Who keeps this list decides when the last of it is freed."""
        resources = chain(self.snapshot.models.values(), self.snapshot.chains.values())
        return [*resources, *self.backends.values(), *self.all_chains, *self.naming.claims.values()]

"""One address that serves a Model, with what is counted about it. Outlives routing tables; knows no sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from auriga_router.routing.gate import Gate


class Address(NamedTuple):
    """Where to connect."""

    host: str
    port: int
    tls: bool = False
    external: bool = False
    """A provider's: perhaps beyond a proxy."""

    def __str__(self) -> str:
        return f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> bytes:
        """The value of the Host header: without the port where it is the scheme's own."""
        own = self.port == (443 if self.tls else 80)
        return (self._bracketed if own else str(self)).encode("ascii")


class Kept:
    """What a connector keeps for an endpoint: its connections, of which nothing is known here."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Endpoint:
    """The mutable state of one endpoint of one Model."""

    model: str
    """Key of the Model."""
    address: Address
    in_flight: int = 0
    asked_at: float = 0.0
    """When it last got a request; 0: never."""
    gate: Gate = field(default_factory=Gate)
    kept: Kept | None = field(default=None, repr=False)
    """The connector's own."""
    name: str = field(init=False)
    """The address as text."""
    authority: bytes = field(init=False)
    """The value of the Host header."""

    def __post_init__(self) -> None:
        self.name = str(self.address)
        self.authority = self.address.authority


def parse_address(text: str) -> Address:
    """``host:port`` of a served Model's endpoint. Raises ValueError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is not host:port")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))

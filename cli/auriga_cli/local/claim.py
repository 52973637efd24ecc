"""What one Model that takes turns wants of the memory and has of it, and until when it keeps that. Pure.

`turns` has the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

MIN_TURN = 1.0
MAX_TURN = 120.0
MAX_LINGER = 2.0
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Claim:
    """One Model that takes turns: what it wants, and what it has. Times are seconds of one clock, sizes bytes."""

    model: str
    size: int
    """Of one replica."""
    desired: int = 0
    """Replicas that its load asks for; 0 also while it may not start."""
    waiting: int = 0
    """Requests that nobody works on yet."""
    in_flight: int = 0
    """Requests that its replicas work on."""
    asked: float | None = None
    """Since when somebody waits for it to come; None: nobody does."""
    used: float = 0.0
    """When it was last asked, or at work."""
    running: int = 0
    """Replicas that load or serve."""
    held: int = 0
    """Memory of those."""
    leaving: int = 0
    """Memory of replicas that have been told to leave."""
    ready: float | None = None
    """Since when it serves; None: it is away, or loads."""
    load_time: float = 0.0
    """Seconds that loading took it."""
    group: int = 0
    """Requests that waited when it came."""
    served: int = 0
    """Requests that have begun since it came."""
    least: int = 0
    """Replicas that stay whoever asks."""

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.in_flight

    @property
    def turn(self) -> float:
        """Seconds for which it may keep what it has."""
        return min(max(2 * self.load_time, MIN_TURN), MAX_TURN)

    @property
    def linger(self) -> float:
        """Seconds for which it keeps it after its last request."""
        return min(self.load_time / 2, MAX_LINGER)

    def yields_at(self) -> float:
        """From when on it leaves for a Model that somebody waits for."""
        if self.ready is None:
            return NEVER if self.waiting else 0.0
        if self.idle:
            return min(self.used + self.linger, self.ready + self.turn)
        return self.ready + (self.turn if self.served >= self.group else MAX_TURN)

    def quiet_at(self) -> float:
        """From when on it leaves for a Model that is only woken."""
        return self.used + self.turn if self.idle and self.ready is not None else NEVER

    def freed(self, keep: int) -> int:
        """Bytes that come free if it keeps this many of its replicas."""
        return self.held * (self.running - keep) // self.running if self.running else 0

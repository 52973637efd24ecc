"""Whatever routers do, a request counts once at most, and nothing but a request counts."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auriga_api.load import LoadReport, ModelLoad
from auriga_operator.load_book import LoadBook

NAMES = st.sampled_from(["a", "b", "c"])


@dataclass
class Router:
    """One router: what it counts, and what of that has been told."""

    requests: int = 0
    in_flight: int = 0
    told: int = 0
    """What it said last of its requests in flight."""
    connected: bool = False


class Routers(RuleBasedStateMachine):
    """Routers come, go, restart and are cut off, while requests come to them."""

    def __init__(self) -> None:
        super().__init__()
        self.book = LoadBook()
        self.book.listed({})
        self.routers: dict[str, Router] = {}
        self.asked = 0
        self.known: set[str] = set()
        self.before = 0

    def router(self, name: str) -> Router:
        return self.routers.setdefault(name, Router())

    @rule(name=NAMES, in_flight=st.integers(0, 5))
    def request(self, name: str, in_flight: int) -> None:
        router = self.router(name)
        router.requests += 1
        router.in_flight = in_flight
        # What a router counts before anybody has ever listened to it is no news, when it does not say how long ago.
        self.asked += name in self.known

    @rule(name=NAMES)
    def connect(self, name: str) -> None:
        router = self.router(name)
        router.connected = True
        self.known.add(name)
        self.tell(name, full=True)

    @rule(name=NAMES)
    def report(self, name: str) -> None:
        if self.router(name).connected:
            self.tell(name, full=False)

    @rule(name=NAMES)
    def cut(self, name: str) -> None:
        self.router(name).connected = False
        self.book.ended(name)

    @rule(name=NAMES)
    def restart(self, name: str) -> None:
        self.cut(name)
        self.routers[name] = Router()

    def tell(self, name: str, *, full: bool) -> None:
        router = self.routers[name]
        router.told = router.in_flight
        load = ModelLoad(router.in_flight, requests=router.requests)
        self.book.told(name, LoadReport(name, {"ns/m": load}, full=full), 0.0)

    @invariant()
    def a_request_counts_once_at_most(self) -> None:
        load = self.book.load("ns/m", 0.0)
        counted = load.requests if load else 0
        assert self.before <= counted <= self.asked
        self.before = counted

    @invariant()
    def exactly_those_who_are_heard_count(self) -> None:
        load = self.book.load("ns/m", 0.0)
        assert load
        assert load.in_flight == sum(router.told for router in self.routers.values() if router.connected)


TestRouters = Routers.TestCase

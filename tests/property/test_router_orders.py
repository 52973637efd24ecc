"""Whatever the strategy and whatever was measured: an order loses nobody, invents nobody, and changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auriga_api import RoleChain
from auriga_router.compile import compile as compiled
from auriga_router.recent import Recent
from auriga_router.routing.order import Moment, arranged
from auriga_router.table import Chain
from support.http_router import chain, model, snapshot

CAPABILITIES = ("chat", "tools", "vision")
WANTED = st.lists(st.sampled_from(CAPABILITIES), unique=True)
SECONDS = st.floats(0, 1e6)
DRAWS = st.floats(0, 1, exclude_max=True).map(lambda drawn: lambda: drawn)
MOMENTS = st.builds(Moment, st.floats(0, 1e9), st.booleans(), DRAWS)
RECENT = st.none() | st.builds(
    Recent, first_token=SECONDS, duration=SECONDS, success=st.floats(0, 1), at=st.floats(-1e9, 1e9)
)


def a_chain(strategy: str, weights: list[int], wanted: list[list[str]]) -> Chain:
    names = [f"m{number}" for number in range(len(weights))]
    models = [
        model(name, capabilities=list(CAPABILITIES), pricing={"inputPerMillion": str(len(name))}) for name in names
    ]
    role: RoleChain = chain(
        "role",
        *(
            {"model": name, "weight": weight, "when": {"capabilities": wants}}
            for name, weight, wants in zip(names, weights, wanted, strict=True)
        ),
        strategy=strategy,
    )
    return compiled(snapshot(*models, role, endpoints=dict.fromkeys(names, "127.0.0.1:1"))).names["role"]


@given(
    st.sampled_from(["Ordered", "Weighted", "LeastLatency", "LeastCost", "Adaptive"]),
    st.lists(st.tuples(st.integers(0, 1000), RECENT, st.integers(0, 9)), min_size=1, max_size=6),
    WANTED,
    WANTED,
    MOMENTS,
)
def test_an_order_is_a_permutation(
    strategy: str,
    states: list[tuple[int, Recent | None, int]],
    wanted: list[str],
    needs: list[str],
    moment: Moment,
) -> None:
    weights = [weight for weight, _, _ in states]
    weights[0] = max(1, weights[0])  # the API refuses a chain that asks nobody
    of = a_chain(strategy, weights, [wanted if number % 2 else [] for number in range(len(states))])
    for member, (_, recent, in_flight) in zip(of.members, states, strict=True):
        member.tally.recent = recent
        member.backend.slots.in_flight = in_flight
    before = [(member.backend.key, member.not_ready) for member in of.members]
    found = arranged(of, needs, moment)
    assert sorted(member.backend.key for member in found.members) == sorted(key for key, _ in before)
    assert [(member.backend.key, member.not_ready) for member in of.members] == before
    assert found.replies is of.replies
    for member in found.members:
        barred = bool(member.only_for) and member.only_for.isdisjoint(needs)
        assert (member.not_ready is not None) == barred
    if strategy == "Weighted":
        shown = [member.weight > 0 for member in found.members]
        assert shown == sorted(shown, reverse=True)
    if strategy == "Ordered":
        assert [member.backend.key for member in found.members] == [key for key, _ in before]

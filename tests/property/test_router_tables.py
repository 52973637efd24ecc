"""Compiling any snapshot gives a table in which every name leads somewhere sensible; a second time, the same one."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from auriga_api import Model, RoleChain
from auriga_router.admission import unknown_model
from auriga_router.compile import compile as compiled
from auriga_router.listing import model_steps
from auriga_router.snapshot import Snapshot
from auriga_router.status import is_usable, roles, status_document
from auriga_router.table import Chain, RoutingTable
from support.http_router import chain, model, snapshot

NAMES = st.sampled_from(["a", "b", "c", "d"])
NAMESPACES = st.sampled_from(["default", "team", "lab"])
MODELS = st.builds(model, NAMES, NAMESPACES, suspended=st.booleans())
CHAINS = st.builds(
    lambda name, members, namespace, role, synonyms: chain(
        name,
        *members,
        namespace=namespace,
        role=role,
        synonyms=[synonym for synonym in synonyms if synonym != (role or name)],
    ),
    NAMES,
    st.lists(NAMES, min_size=1, max_size=3, unique=True),
    NAMESPACES,
    st.sampled_from(["", "a", "b", "x"]),
    st.lists(st.sampled_from(["a", "y", "z"]), max_size=2, unique=True),
)
ENDPOINTS = st.dictionaries(
    st.tuples(NAMESPACES, NAMES).map("/".join), st.lists(st.sampled_from(["127.0.0.1:1", "127.0.0.1:2"]), unique=True)
)


@given(st.lists(MODELS, max_size=6), st.lists(CHAINS, max_size=6), ENDPOINTS)
def test_every_name_leads_to_what_the_order_of_names_says(
    models: list[Model], chains: list[RoleChain], endpoints: dict[str, list[str]]
) -> None:
    state = snapshot(*models, *chains, endpoints=endpoints)
    table = compiled(state)
    meant: dict[str, str] = {}
    for key, item in sorted(state.models.items()):
        meant[f"{item.metadata.namespace}/{item.metadata.name}"] = key
    for rank in ("synonym", "role"):
        for key, item in sorted(state.chains.items(), reverse=True):
            for name in item.spec.synonyms if rank == "synonym" else [item.role]:
                meant[f"{item.metadata.namespace}/{name}"] = key
    assert {name: entry.key for name, entry in table.names.items() if "/" in name} == meant
    for name in {prefixed.partition("/")[2] for prefixed in meant}:
        holders = [prefixed for prefixed in meant if prefixed.endswith(f"/{name}")]
        if f"default/{name}" in holders:
            assert table.names[name].key == meant[f"default/{name}"]
        elif name not in table.names:
            assert set(table.ambiguous[name]) <= set(holders)
            assert name in unknown_model(name, table).message
    assert {entry["id"] for entry in orjson.loads(b"".join(model_steps(table)))["data"]} <= table.names.keys()
    assert any(model for _, model in roles(table, 0.0)) <= is_usable(table)
    status_document(state, table, 0.0)


STATES = st.builds(
    lambda models, chains, endpoints: snapshot(*models, *chains, endpoints=endpoints),
    st.lists(MODELS, max_size=6),
    st.lists(CHAINS, max_size=6),
    ENDPOINTS,
)


@given(STATES)
def test_compiling_again_keeps_every_object(state: Snapshot) -> None:
    first = compiled(state)
    second = compiled(state, first)
    assert (second.names, second.chains, second.directs) == (first.names, first.chains, first.directs)  # by identity
    assert second.backends == first.backends
    assert not second.changed
    for backend in second.backends.values():
        assert (backend.not_ready is None) == bool(backend.endpoints)


@given(st.lists(STATES, min_size=2, max_size=5))
def test_a_table_made_from_the_one_before_is_the_table_made_anew(states: list[Snapshot]) -> None:
    table = RoutingTable()
    for state in states:
        table = compiled(state, table)
    anew = compiled(states[-1])
    assert _shown(table) == _shown(anew)
    assert (table.ambiguous, list(model_steps(table))) == (anew.ambiguous, list(model_steps(anew)))
    assert table.naming.claims.keys() == anew.naming.claims.keys()


@given(STATES, STATES)
def test_counters_live_on_for_as_long_as_what_they_count(before: Snapshot, after: Snapshot) -> None:
    first = compiled(before)
    second = compiled(after, first)
    for key, backend in second.backends.items():
        known = {
            endpoint.address: endpoint for endpoint in (first.backends[key].endpoints if key in first.backends else ())
        }
        assert all(endpoint is known.get(endpoint.address, endpoint) for endpoint in backend.endpoints)
    for key, entry in second.chains.items():
        past = first.chains.get(key)
        if past is not None and past.role == entry.role:
            assert entry.replies is past.replies
            tallies = {member.backend.key: member.tally for member in past.members}
            assert all(member.tally is tallies.get(member.backend.key, member.tally) for member in entry.members)


def _shown(table: RoutingTable) -> Any:
    """Everything a table says, without what it counts."""
    names = {name: (chain.key, chain.is_role) for name, chain in table.names.items()}
    return names, {key: _said(chain) for key, chain in (*table.chains.items(), *table.directs.items())}


def _said(chain: Chain) -> Any:
    members = [
        (
            member.backend.key,
            member.not_ready,
            [endpoint.name for endpoint in member.backend.endpoints],
        )
        for member in chain.members
    ]
    return chain.role, chain.synonyms, members, chain.capabilities, chain.models

"""Compiling any snapshot gives a table in which every name leads somewhere sensible; a second time, the same one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auriga_api import Model, RoleChain
from auriga_router.admission import unknown_model
from auriga_router.compile import compile as compiled
from auriga_router.listing import model_list
from auriga_router.status import readiness, status_document
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
    assert {entry["id"] for entry in model_list(table)["data"]} <= table.names.keys()
    readiness(table, 0.0)
    status_document(state, table, 0.0)


@given(st.lists(MODELS, max_size=6), st.lists(CHAINS, max_size=6), ENDPOINTS)
def test_compiling_again_keeps_every_counter(
    models: list[Model], chains: list[RoleChain], endpoints: dict[str, list[str]]
) -> None:
    state = snapshot(*models, *chains, endpoints=endpoints)
    first = compiled(state)
    second = compiled(state, first)
    assert second.endpoints == first.endpoints
    assert second.tallies == first.tallies
    assert second.names.keys() == first.names.keys()
    assert all(second.replies[key] is counted for key, counted in first.replies.items())
    for key, backend in second.backends.items():
        assert backend.endpoints == first.backends[key].endpoints
        assert (backend.not_ready is None) == bool(backend.endpoints)

"""What a change costs: only what it touches is compiled anew, however many objects there are."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from auriga_router.compile import compile as compiled
from auriga_router.compile import compile_in_steps
from auriga_router.snapshot import Snapshot
from auriga_router.table import RoutingTable
from support.http_router import chain, model, snapshot

MANY = 60


def many(**more: Any) -> Snapshot:
    """m0 ... m59, and r0 ... r19 of three of them each."""
    models = [model(f"m{number}") for number in range(MANY)]
    chains = [chain(f"r{number}", *(f"m{number * 3 + part}" for part in range(3))) for number in range(MANY // 3)]
    return snapshot(*models, *chains, endpoints={f"m{number}": "127.0.0.1:1" for number in range(MANY)}, **more)


def recompiled(before: RoutingTable, after: RoutingTable) -> set[str]:
    """Names of the RoleChains and Models that are other objects than before."""
    return {
        chain.role for chain in after.all_chains
        if chain is not (before.chains if chain.is_role else before.directs).get(chain.key)
    }  # fmt: skip


def test_an_endpoint_that_changes_costs_its_model_and_the_roles_that_name_it() -> None:
    state = many()
    first = compiled(state)
    second = compiled(replace(state, endpoints={**state.endpoints, "default/m7": ("127.0.0.1:2",)}), first)
    assert recompiled(first, second) == {"m7", "r2"}
    assert second.changed == {"default/m7"}
    assert second.names["m7"].members[0].backend.endpoints[0].name == "127.0.0.1:2"
    assert second.names["r2"].members[1].backend is second.backends["default/m7"]


def test_a_model_that_comes_or_goes_costs_itself_and_the_roles_that_name_it() -> None:
    state = many()
    without = replace(state, models={key: item for key, item in state.models.items() if key != "default/m7"})
    first = compiled(state)
    second = compiled(without, first)
    assert recompiled(first, second) == {"r2"}
    assert "m7" not in second.names
    member = second.names["r2"].members[1]
    assert (member.not_ready and member.not_ready.reason) == "ModelMissing"
    third = compiled(state, second)
    assert recompiled(second, third) == {"m7", "r2"}
    assert third.names["default/m7"] is third.names["m7"] is third.directs["default/m7"]


def test_a_secret_costs_the_models_that_name_it() -> None:
    def cloud(name: str, secret: str) -> Any:
        reference = {"name": secret, "key": "api"}
        return model(
            name,
            external={"provider": "openaiCompatible", "baseURL": "http://a/v1", "credentialsSecretRef": reference},
        )

    secrets = {"default/one": {"api": b"1"}, "default/two": {"api": b"2"}}
    state = snapshot(cloud("a", "one"), cloud("b", "two"), model("c"), secrets=secrets)
    first = compiled(state)
    same = compiled(replace(state, secrets={key: MappingProxyType(dict(old)) for key, old in secrets.items()}), first)
    assert recompiled(first, same) == set()
    second = compiled(replace(state, secrets={**secrets, "default/two": {"api": b"3"}}), first)
    assert recompiled(first, second) == {"b"}
    assert second.backends["default/b"].headers == b"authorization: Bearer 3\r\n"
    assert compiled(replace(state, secrets={}), second).changed == {"default/a", "default/b"}


def test_an_equal_object_is_not_compiled_anew() -> None:
    first = compiled(many())
    assert recompiled(first, compiled(many(), first)) == set()


def test_the_work_comes_in_steps_of_a_few_objects() -> None:
    state = many()
    steps = sum(1 for _ in compile_in_steps(state, RoutingTable()))
    assert steps >= MANY // 8 + MANY // 3 // 8
    assert sum(1 for _ in compile_in_steps(state, compiled(state))) <= 3


def test_what_is_equal_but_not_the_same_is_compared_in_steps_and_changes_nothing() -> None:
    before = compiled(many())
    steps = 0
    work = compile_in_steps(many(), before)
    while True:
        try:
            next(work)
        except StopIteration as end:
            table = end.value
            break
        steps += 1
    assert steps >= (MANY + MANY // 3) // 8
    assert (table.changed, table.edited, table.left) == (frozenset(), frozenset(), ())


def test_the_endpoints_that_left_are_those_that_no_model_of_the_new_table_has() -> None:
    state = snapshot(model("a"), model("b"), endpoints={"a": ("h:1", "h:2", "h:3"), "b": "h:9"})
    first = compiled(state)
    assert first.left == ()
    moved = compiled(replace(state, endpoints={"default/a": ("h:2", "h:4")}), first)
    assert sorted(f"{each.model} {each.name}" for each in moved.left) == [
        "default/a h:1", "default/a h:3", "default/b h:9",
    ]  # fmt: skip
    gone = compiled(snapshot(), moved)
    assert sorted(each.name for each in gone.left) == ["h:2", "h:4"]
    assert compiled(state, gone).left == ()

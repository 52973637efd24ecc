"""The status of a RoleChain."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_api import RoleChain
from auriga_operator.chains import chain_status
from auriga_operator.snapshot import ChainSnapshot, MemberView
from support.operator_world import NOW

UP = MemberView(ready=True, endpoints=2, reason="Serving", locality="Cluster", capabilities=frozenset(("chat",)))
DOWN = MemberView(ready=False, endpoints=0, reason="Loading", locality="Cluster", capabilities=frozenset(("chat",)))
CLOUD = MemberView(ready=True, endpoints=1, reason="External", locality="Cloud", capabilities=frozenset(("chat",)))


def a_chain(name: str = "coding", members: Any = ("a", "b"), **spec: Any) -> RoleChain:
    items = [member if isinstance(member, dict) else {"model": member} for member in members]
    metadata = {"name": name, "generation": 3}
    return RoleChain.model_validate({"metadata": metadata, "spec": {"members": items, **spec}})


def status(chain: RoleChain, others: tuple[RoleChain, ...] = (), **members: MemberView) -> dict[str, Any]:
    return chain_status(ChainSnapshot(chain, members, others), NOW)


def truths(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["type"]: (each["status"], each["reason"]) for each in found["conditions"]}


def message(found: dict[str, Any], kind: str) -> str:
    return next(str(each["message"]) for each in found["conditions"] if each["type"] == kind)


@pytest.mark.parametrize(
    ("members", "active", "ready", "fallback"),
    [
        ({"a": UP, "b": UP}, "a", "True", ("True", "Available")),
        ({"a": DOWN, "b": UP}, "b", "True", ("False", "NoSpareMember")),
        ({"a": DOWN, "b": DOWN}, "", "False", ("False", "NoSpareMember")),
        ({"b": UP}, "b", "True", ("False", "NoSpareMember")),
    ],
)
def test_the_first_member_that_is_ready_serves(
    members: dict[str, MemberView], active: str, ready: str, fallback: tuple[str, str]
) -> None:
    found = status(a_chain(), **members)
    assert (found["activeMember"], truths(found)["Ready"][0]) == (active, ready)
    assert truths(found)["FallbackAvailable"] == fallback
    assert found["observedGeneration"] == 3


def test_each_member_says_why_it_does_not_serve() -> None:
    found = status(a_chain(members=("a", "b", "c")), a=DOWN, b=CLOUD)
    assert [(each["model"], each["ready"], each.get("reason")) for each in found["members"]] == [
        ("a", False, "Loading"), ("b", True, None), ("c", False, "ModelNotFound"),
    ]  # fmt: skip
    assert truths(found)["MembersResolved"] == ("False", "ModelNotFound")
    assert "there is no Model c in namespace default" in message(found, "MembersResolved")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"privacy": {"localOnly": True}}, "LocalOnly"),
        ({"members": [{"model": "a", "when": {"localityIn": ["Cluster"]}}]}, "When"),
        ({"members": [{"model": "a", "when": {"capabilities": ["vision"]}}]}, "When"),
    ],
)
def test_a_member_that_is_never_asked_is_not_ready(spec: dict[str, Any], reason: str) -> None:
    found = status(a_chain(**{"members": ("a",), **spec}), a=CLOUD)
    assert (found["members"][0]["ready"], found["members"][0]["reason"]) == (False, reason)


def test_one_member_alone_has_nothing_to_fall_back_to() -> None:
    assert truths(status(a_chain(members=("a",)), a=UP))["FallbackAvailable"] == ("False", "OneMember")


@pytest.mark.parametrize(
    ("chain", "other", "says"),
    [
        (a_chain(role="code"), a_chain("x", role="code"), 'the role "code" is that of RoleChain x too'),
        (a_chain(role="code"), a_chain("x", synonyms=["code"]), 'the role "code" is a synonym of RoleChain x'),
        (a_chain(synonyms=["code"]), a_chain("x", role="code"), 'the synonym "code" is the role of RoleChain x'),
        (a_chain(synonyms=["code"]), a_chain("x", synonyms=["code"]), 'the synonym "code" is one of RoleChain x'),
    ],
)
def test_a_name_that_another_has_is_told_in_both(chain: RoleChain, other: RoleChain, says: str) -> None:
    found = status(chain, (other,), a=UP, b=UP)
    assert truths(found)["SynonymsUnique"] == ("False", "NameTaken")
    assert says in message(found, "SynonymsUnique")
    assert truths(status(chain, a=UP, b=UP))["SynonymsUnique"][0] == "True"


def test_a_chain_that_sleeps_says_what_wakes_it() -> None:
    asleep = MemberView(ready=False, endpoints=0, reason="ScaledToZero", locality="Cluster", capabilities=frozenset())
    found = status(a_chain(), a=DOWN, b=asleep)
    assert truths(found)["Ready"] == ("False", "ScaledToZero")
    assert message(found, "Ready").startswith("b has no replica now: the next request starts it")
    awake = status(a_chain(), a=UP, b=asleep)
    assert truths(awake)["Ready"] == ("True", "Serving")

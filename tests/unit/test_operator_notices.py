"""Which changes become Events."""

from __future__ import annotations

from typing import Any

import pytest

from auriga_operator import notices
from auriga_operator.notices import Notice


def status(ready: str, reason: str, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": f"about {reason}"}], **more}


@pytest.mark.parametrize(
    ("before", "after", "notice"),
    [
        ({}, status("False", "Starting"), None),
        (status("False", "Loading"), status("True", "Serving"), ("Normal", "Ready")),
        (status("True", "Updating"), status("True", "Serving"), None),
        (status("True", "Serving"), status("False", "Suspended"), None),
        (status("False", "Loading"), status("False", "OOMKilled"), ("Warning", "OOMKilled")),
        (status("True", "Serving"), status("True", "Unschedulable"), ("Warning", "Unschedulable")),
        (status("False", "OOMKilled"), status("False", "OOMKilled"), None),
        (status("False", "OOMKilled"), status("True", "Serving"), ("Normal", "Ready")),
    ],
)
def test_of_a_model(before: dict[str, Any], after: dict[str, Any], notice: tuple[str, str] | None) -> None:
    assert [(each.type, each.reason) for each in notices.of_model(before, after)] == ([notice] if notice else [])


def chain(ready: str, resolved: str, active: str) -> dict[str, Any]:
    found = status(ready, "NoMemberReady" if ready == "False" else "Serving", activeMember=active)
    found["conditions"].append(
        {"type": "MembersResolved", "status": resolved, "reason": "R", "message": "about members"}
    )
    return found


@pytest.mark.parametrize(
    ("before", "after", "notice"),
    [
        ({}, chain("False", "True", ""), None),
        ({}, chain("False", "False", ""), ("Warning", "R")),
        (chain("False", "True", ""), chain("True", "True", "a"), ("Normal", "ActiveMember")),
        (chain("True", "True", "a"), chain("True", "True", "b"), ("Normal", "ActiveMember")),
        (chain("True", "True", "a"), chain("False", "True", ""), ("Warning", "NoMemberReady")),
        (chain("True", "True", "a"), chain("True", "True", "a"), None),
    ],
)
def test_of_a_role_chain(before: dict[str, Any], after: dict[str, Any], notice: tuple[str, str] | None) -> None:
    for each in (before, after):
        each.setdefault("conditions", []).append(
            {"type": "SynonymsUnique", "status": "True", "reason": "Unique", "message": ""}
        )
    assert [(each.type, each.reason) for each in notices.of_chain(before, after)] == ([notice] if notice else [])


def test_a_role_chain_that_goes_to_sleep_is_no_trouble() -> None:
    before, after = chain("True", "True", "a"), chain("False", "True", "")
    after["conditions"][0]["reason"] = "ScaledToZero"
    for each in (before, after):
        each["conditions"].append({"type": "SynonymsUnique", "status": "True", "reason": "Unique", "message": ""})
    assert list(notices.of_chain(before, after)) == []


def test_a_role_chain_with_two_troubles_tells_of_both() -> None:
    taken = {"type": "SynonymsUnique", "status": "False", "reason": "NameTaken", "message": "about names"}
    after = chain("False", "False", "")
    after["conditions"].append(taken)
    assert [each.reason for each in notices.of_chain({}, after)] == ["R", "NameTaken"]


def test_the_same_has_the_same_name_and_a_long_message_is_cut() -> None:
    about = {"apiVersion": "v", "kind": "Model", "metadata": {"name": "m", "namespace": "n", "uid": "u"}}
    one = notices.event(Notice("Warning", "R", "x" * 3000), about, "auriga", 1.0)
    two = notices.event(Notice("Warning", "R", "x" * 3000), about, "auriga", 99.0)
    other = notices.event(Notice("Warning", "R", "y"), about, "auriga", 1.0)
    assert one["metadata"]["name"] == two["metadata"]["name"] != other["metadata"]["name"]
    assert len(one["message"]) == 1024
    assert one["involvedObject"]["uid"] == "u"

"""The token of the load signal: both programs have the same, it stays, and a cluster may bring its own."""

from __future__ import annotations

import base64

import yaml

from support.chart import Object, container, environment, only, render, render_on
from support.controlplane import ControlPlane

PROGRAMS = ("operator", "router")


def token(items: list[Object]) -> str:
    return base64.b64decode(only(items, "Secret", "-load")["data"]["token"]).decode()


def mounted(items: list[Object], program: str) -> str:
    """The Secret that lies where the program looks for its token."""
    file = environment(items, program)["AURIGA_LOAD_TOKEN_FILE"]
    mounts = {each["mountPath"]: each["name"] for each in container(items, program)["volumeMounts"]}
    volumes = only(items, "Deployment", f"-{program}")["spec"]["template"]["spec"]["volumes"]
    folder, _, name = file.rpartition("/")
    assert name == "token"
    return str(next(each["secret"]["secretName"] for each in volumes if each["name"] == mounts[folder]))


def test_both_programs_have_the_token_that_is_made_for_them() -> None:
    items = render({})
    assert {mounted(items, program) for program in PROGRAMS} == {only(items, "Secret")["metadata"]["name"]}
    assert len(token(items)) == 48
    assert token(items) != token(render({}))
    service = only(items, "Service", "-router")["metadata"]
    assert environment(items, "operator")["AURIGA_ROUTER_SERVICE"] == f"{service['namespace']}/{service['name']}"


def test_an_upgrade_keeps_the_token(control_plane: ControlPlane, namespace: str) -> None:
    first = render_on(control_plane.kubeconfig, namespace)
    secret = only(first, "Secret")
    control_plane.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(secret))
    assert token(render_on(control_plane.kubeconfig, namespace)) == token(first)


def test_a_cluster_may_bring_its_own() -> None:
    items = render({"loadSignal": {"existingSecret": "ours"}})
    assert [item for item in items if item["kind"] == "Secret"] == []
    assert {mounted(items, program) for program in PROGRAMS} == {"ours"}


def test_where_only_some_may_call_routers_the_operator_may() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"team": "a"}}}
    items = render({"networkPolicy": {"enabled": True, "routerFrom": [peer]}})
    (rule,) = only(items, "NetworkPolicy", "-router")["spec"]["ingress"]
    assert rule["from"][0] == peer
    labels = only(items, "Deployment", "-operator")["spec"]["template"]["metadata"]["labels"]
    assert rule["from"][1]["podSelector"]["matchLabels"].items() <= labels.items()

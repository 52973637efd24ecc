"""What Helm makes of the chart: taken by a real API server, admitted as restricted, refused where values are wrong."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml

from support import chart
from support.chart import Object, RefusedError, only, render
from support.controlplane import ControlPlane

FULL: Object = {
    "namespaces": ["one", "two"],
    "image": {"repository": "registry.example/auriga", "digest": f"sha256:{'0' * 64}", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "pull"}],
    "commonLabels": {"team": "ml"},
    "operator": {
        "replicas": 1,
        "settings": {
            "engineImages": {"cpu": "registry.example/llama:1", "cuda": "registry.example/llama-cuda:1"},
            "engineArgs": ["--threads", "4"],
            "weightsStorageClass": "fast",
            "leaseName": "elected",
        },
        "extraEnv": [{"name": "HF_ENDPOINT", "value": "http://mirror"}],
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
        "priorityClassName": "system-cluster-critical",
        "serviceAccount": {"annotations": {"e": "f"}},
    },
    "router": {
        "settings": {"bodyLimit": 100_000_000, "drain": 12.5, "logAttempts": False, "host": "::"},
        "caConfigMap": "authorities",
        "secretNames": ["openai", "anthropic"],
        "service": {"type": "NodePort", "nodePort": 30080, "annotations": {"g": "h"}},
        "autoscaling": {"enabled": True},
        "serviceAccount": {"create": False, "name": "mine"},
    },
    "networkPolicy": {
        "enabled": True,
        "routerFrom": [{"namespaceSelector": {}}],
        "engineFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
    },
    "metrics": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True, "annotations": {"folder": "AI"}},
    },
}
OF_OTHERS = ("ServiceMonitor", "PrometheusRule")  # kinds that only a cluster with Prometheus' operator has


@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything"])
def test_helm_finds_no_fault(values: Object) -> None:
    assert "0 chart(s) failed" in chart.lint(values)


@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything"])
def test_a_real_api_server_takes_every_object(control_plane: ControlPlane, namespace: str, values: Object) -> None:
    items = render(values | ({"namespaces": [namespace]} if values else {}), namespace=namespace)
    known = [item for item in items if item["kind"] not in OF_OTHERS]
    control_plane.kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "--filename=-",
        stdin=yaml.safe_dump_all(known),
    )  # fmt: skip
    assert {item["kind"] for item in known} > {"CustomResourceDefinition", "Deployment", "Service", "Pod"}


@pytest.mark.parametrize("values", [{}, FULL], ids=["defaults", "everything"])
def test_pods_are_admitted_where_the_restricted_standard_is_enforced(
    control_plane: ControlPlane, namespace: str, values: Object
) -> None:
    control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    items = render(values, namespace=namespace)
    templates = [item["spec"]["template"] for item in items if item["kind"] == "Deployment"]
    pods = [{"metadata": {"name": "p"}, "spec": each["spec"]} for each in [*templates, only(items, "Pod")]]
    with control_plane.client() as client:
        for pod in pods:
            # Who it runs as is none of the standard's business, and is not there.
            pod["spec"] = {**pod["spec"], "serviceAccountName": "default"}
            answer = post_pod(client, namespace, pod)
            assert answer.is_success, answer.json()["message"]
        privileged = {**pods[0]["spec"], "hostNetwork": True}
        assert "violates PodSecurity" in post_pod(client, namespace, pods[0] | {"spec": privileged}).json()["message"]


def post_pod(client: httpx.Client, namespace: str, pod: Object) -> httpx.Response:
    return client.post(f"/api/v1/namespaces/{namespace}/pods", params={"dryRun": "All"}, json=pod)


def test_cluster_wide_by_default_and_in_namespaces_by_one_value() -> None:
    kinds = {item["kind"] for item in render({})}
    assert {"ClusterRole", "ClusterRoleBinding"} <= kinds
    items = render({"namespaces": ["one", "two"], "crds": {"install": False}})
    assert all(item["metadata"].get("namespace") for item in items)
    rights = [item["metadata"]["namespace"] for item in items if item["kind"] == "Role"]
    assert sorted(rights) == ["auriga-system", "auriga-system", "one", "one", "two", "two"]
    for program in ("operator", "router"):
        assert chart.environment(items, program)["AURIGA_NAMESPACES"] == "one,two"
        assert "AURIGA_NAMESPACES" not in chart.environment(render({}), program)


@pytest.mark.parametrize(
    ("namespaces", "expected"), [([], "default"), (["one"], "one"), (["one", "two"], "default")], ids=str
)
def test_names_without_a_prefix_are_those_of_the_only_namespace(namespaces: list[str], expected: str) -> None:
    assert chart.environment(render({"namespaces": namespaces}), "router")["AURIGA_DEFAULT_NAMESPACE"] == expected


def test_settings_reach_the_programs_as_they_were_written() -> None:
    items = render(FULL)
    operator, router = chart.environment(items, "operator"), chart.environment(items, "router")
    assert operator["AURIGA_ENGINE_IMAGES"] == "cpu=registry.example/llama:1,cuda=registry.example/llama-cuda:1"
    assert operator["AURIGA_ENGINE_ARGS"] == "--threads,4"
    assert operator["AURIGA_IMAGE"] == f"registry.example/auriga@sha256:{'0' * 64}"
    assert (operator["AURIGA_LEASE_NAME"], operator["HF_ENDPOINT"]) == ("elected", "http://mirror")
    assert (router["AURIGA_BODY_LIMIT"], router["AURIGA_DRAIN"]) == ("100000000", "12.5")
    assert router["AURIGA_LOG_ATTEMPTS"] == "false"
    assert router["AURIGA_CA_FILE"] == "/authorities/ca.crt"
    assert "AURIGA_CA_FILE" not in chart.environment(render({}), "router")
    lease = next(item for item in items if item["metadata"]["name"].endswith("-lease") and item["kind"] == "Role")
    assert lease["rules"][0]["resourceNames"] == ["elected"]


def test_a_router_outlives_its_streams_and_a_rollout_takes_none_away() -> None:
    deployment = only(render({"router": {"preStopSeconds": 7, "settings": {"drain": 100}}}), "Deployment", "-router")
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert pod["terminationGracePeriodSeconds"] > 7 + 100
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}


def test_replicas_are_left_to_an_autoscaler_where_there_is_one() -> None:
    assert only(render({}), "Deployment", "-router")["spec"]["replicas"] == 2
    scaled = render({"router": {"autoscaling": {"enabled": True}}})
    assert "replicas" not in only(scaled, "Deployment", "-router")["spec"]
    assert only(scaled, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "auriga-router"


def test_no_uninstall_takes_anybodys_models_away() -> None:
    crds = [item for item in render({}) if item["kind"] == "CustomResourceDefinition"]
    assert len(crds) == 2
    assert all(crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for crd in crds)


def test_engines_reach_nothing_and_only_routers_reach_them() -> None:
    items = render({"networkPolicy": {"enabled": True}, "namespaces": ["models"]})
    policy = only(items, "NetworkPolicy", "-engines")
    assert policy["metadata"]["namespace"] == "models"
    assert policy["spec"]["egress"] == []
    ((peer,),) = (rule["from"] for rule in policy["spec"]["ingress"])
    router = only(items, "Deployment", "-router")["spec"]["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= router.items()


def test_alerts_and_dashboard_are_whole() -> None:
    items = render({"metrics": {"prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}})
    rules = only(items, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert all(rule["expr"] and rule["annotations"]["description"] for rule in rules)
    board = json.loads(only(items, "ConfigMap")["data"]["auriga.json"])
    assert board["panels"]


def test_owned_objects_may_block_their_owners_deletion_on_stricter_clusters() -> None:
    rules = only(render(), "ClusterRole", "-operator")["rules"]
    assert {"apiGroups": ["auriga.dev"], "resources": ["models/finalizers"], "verbs": ["update"]} in rules


def test_an_upgrade_of_the_chart_alone_restarts_nothing() -> None:
    for item in render({}):
        if item["kind"] == "Deployment":
            labels = item["spec"]["template"]["metadata"]["labels"]
            assert not {"helm.sh/chart", "app.kubernetes.io/version"} & set(labels)


def test_the_notes_show_the_first_request(control_plane: ControlPlane) -> None:
    bare = {"crds": {"install": False}}  # a cluster has them already, and they are not this release's
    text = chart.notes(control_plane.kubeconfig, bare)
    assert "http://auriga-router.auriga-system.svc/v1" in text
    manifest = text.partition("<<'EOF'\n")[2].partition("\nEOF\n")[0]
    assert [item["kind"] for item in yaml.safe_load_all(manifest)] == ["Model", "RoleChain"]
    assert "curl http://127.0.0.1:8080/v1/chat/completions" in text
    assert "auriga crds | kubectl apply --server-side" in text


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"router": {"replica": 3}}, "at '/router': additional properties 'replica' not allowed"),
        ({"operator": {"settings": {"drain": "5m"}}}, "at '/operator/settings/drain': got string, want integer"),
        ({"operator": {"settings": {"engineImages": {"gpu": "x"}}}}, "additional properties 'gpu' not allowed"),
        ({"operator": {"settings": {"engineArgs": ["--tensor-split", "3,1"]}}}, "'3,1' does not match pattern"),
        ({"operator": {"settings": {"weightsAccessMode": "RWX"}}}, "value must be one of 'ReadWriteOnce'"),
        ({"router": {"settings": {"port": 70000}}}, "maximum: got 70,000, want 65,535"),
        ({"image": {"digest": "abc"}}, "at '/image/digest': 'abc' does not match pattern"),
        ({"namespaces": "default"}, "at '/namespaces': got string, want array"),
        ({"namespaces": ["Prod"]}, "'Prod' does not match pattern"),
        (
            {"router": {"autoscaling": {"enabled": True, "minReplicas": 20}}},
            "minReplicas must not be above maxReplicas",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_values_are_refused_with_their_place(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        render(values)
    assert message in str(refusal.value)

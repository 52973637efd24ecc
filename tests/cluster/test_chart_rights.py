"""The chart's own accounts and variables are enough for both programs; the router's are no more than it uses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from support import chart
from support.chart import Object, only
from support.controlplane import ControlPlane
from support.http_client import RawClient
from support.kube.ports import free_ports
from support.kubelet import Kubelet
from support.kubernetes_objects import provider
from support.operators import Namespace, claim, volume_model

RIGHTS = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


class Installed:
    """A release of which only the rights are on the cluster: its programs run here."""

    def __init__(self, plane: ControlPlane, place: Namespace, *, cluster_wide: bool, folder: Path) -> None:
        self.plane, self.place, self.folder = plane, place, folder
        self.port, probe = free_ports(2)
        values: Object = {
            "namespaces": [] if cluster_wide else [place.name],
            "fullnameOverride": f"auriga-{secrets.token_hex(4)}",
            "operator": {"settings": {"probePort": probe}},
            "router": {"settings": {"port": self.port, "host": "127.0.0.1", "defaultNamespace": place.name}},
        }
        self.items = chart.render(values, namespace=place.name)
        rights = [item for item in self.items if item["kind"] in RIGHTS]
        plane.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(rights))

    def account(self, program: str) -> str:
        pod = only(self.items, "Deployment", f"-{program}")["spec"]["template"]["spec"]
        return str(pod["serviceAccountName"])

    @contextlib.asynccontextmanager
    async def running(self, program: str, started: bytes) -> AsyncIterator[None]:
        """The program with the variables of its container, as its service account."""
        command = chart.container(self.items, program)["command"]
        environment = {**os.environ, **chart.environment(self.items, program), "KUBECONFIG": self._kubeconfig(program)}
        if "AURIGA_STATE" in environment:
            environment["AURIGA_STATE"] = str(self.folder)
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command[1:], env=environment, stderr=asyncio.subprocess.PIPE
        )
        assert child.stderr
        seen = b""
        async with asyncio.timeout(30):
            while started not in seen:
                line = await child.stderr.readline()
                assert line, seen.decode()
                seen += line
        reading = asyncio.create_task(child.stderr.read())
        try:
            yield
        finally:
            child.terminate()
            await reading
            assert await child.wait() == 0

    def asked(self, program: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """(verb, resource) that the account was allowed, and that it was not, by the audit log."""
        user = f"system:serviceaccount:{self.place.name}:{self.account(program)}"
        allowed, refused = set(), set()
        for event in self.plane.audit():
            target = event.get("objectRef") or {}
            if event["user"]["username"] == user and "resource" in target:
                what = "/".join(filter(None, (target["resource"], target.get("subresource"))))
                code = event.get("responseStatus", {}).get("code")
                (refused if code == 403 else allowed).add((event["verb"], what))
        return allowed, refused

    def granted(self, program: str) -> set[tuple[str, str]]:
        """(verb, resource) that its roles hold."""
        account = self.account(program)
        roles = {
            item["roleRef"]["name"]
            for item in self.items
            if item["kind"].endswith("RoleBinding") and item["subjects"][0]["name"] == account
        }
        rules = [
            rule
            for item in self.items
            if item["kind"] in ("Role", "ClusterRole") and item["metadata"]["name"] in roles
            for rule in item["rules"]
        ]
        return {(verb, resource) for rule in rules for verb in rule["verbs"] for resource in rule["resources"]}

    def _kubeconfig(self, program: str) -> str:
        path = f"/api/v1/namespaces/{self.place.name}/serviceaccounts/{self.account(program)}/token"
        with self.plane.client() as client:
            token = client.post(path, json={"spec": {}}).raise_for_status().json()["status"]["token"]
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": self.place.name}}],
            "clusters": [{"name": "k", "cluster": {"server": self.plane.url, **self._authority()}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
        file = self.folder / f"{program}.kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return str(file)

    def _authority(self) -> Object:
        return {"certificate-authority": str(self.plane.layout.pki / "ca.pem")}


@pytest.fixture
def place(control_plane: ControlPlane, namespace: str) -> Iterator[Namespace]:
    found = Namespace(control_plane, namespace)
    yield found
    found.client.close()


@pytest.fixture(params=[True, False], ids=["cluster-wide", "one namespace"])
def installed(
    request: pytest.FixtureRequest, control_plane: ControlPlane, place: Namespace, tmp_path: Path
) -> Installed:
    return Installed(control_plane, place, cluster_wide=request.param, folder=tmp_path)


@pytest.fixture
def node(control_plane: ControlPlane) -> Iterator[str]:
    """A node that nobody else's pods are on: without one, the controllers give a pod no endpoint."""
    name = f"node-{secrets.token_hex(4)}"
    with control_plane.client() as client:
        client.post("/api/v1/nodes", json={"metadata": {"name": name}}).raise_for_status()
        yield name
        client.delete(f"/api/v1/nodes/{name}").raise_for_status()


async def test_both_programs_do_all_their_work_with_the_charts_rights(
    installed: Installed, place: Namespace, node: str
) -> None:
    kubelet = Kubelet(place)
    fetched = {"source": {"url": {"url": "http://127.0.0.1:9/w.gguf", "sha256": "0" * 64}}}
    async with installed.running("operator", b"leading as"), installed.running("router", b"listening on"):
        await asyncio.to_thread(place.apply, claim(), volume_model("served"))
        await asyncio.to_thread(place.apply, {"kind": "Model", "metadata": {"name": "fetched"}, "spec": fetched})
        await asyncio.to_thread(place.until, "PersistentVolumeClaim", lambda found: "model-fetched-weights" in found)
        pod = await asyncio.to_thread(kubelet.pod, "served")
        await asyncio.to_thread(kubelet.place, pod, node)
        await asyncio.to_thread(kubelet.running, pod)
        address = {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}
        await asyncio.to_thread(place.patch, "Pod", pod["metadata"]["name"], {"status": address}, "status")
        await asyncio.to_thread(place.ready, "served", "Serving")
        assert await endpoints(installed.port, "served") == ["10.0.0.9:8080"]
        assert "served" in await asyncio.to_thread(helm_test, installed)
        await asyncio.to_thread(place.apply, SECRET, {"kind": "Model", **named("elsewhere")})
        await asyncio.to_thread(place.ready, "elsewhere", "External")
        await asyncio.to_thread(place.patch, "Model", "served", {"spec": {"suspended": True}})
        await asyncio.to_thread(place.model, "served", lambda status: status.get("phase") == "Suspended")
        await asyncio.to_thread(place.delete, "Model", "fetched")
    for program in ("operator", "router"):
        allowed, refused = installed.asked(program)
        assert not refused
        assert allowed <= installed.granted(program)
    used, _ = installed.asked("router")
    assert used == installed.granted("router")


SECRET = {"kind": "Secret", "metadata": {"name": "key"}, "stringData": {"token": "sk"}}


def named(name: str) -> Object:
    """A Model of a provider, whose key SECRET has."""
    return {"metadata": {"name": name}, "spec": provider(name, "key")["spec"]}


def helm_test(installed: Installed) -> str:
    """What the pod of `helm test` says, asking the router that runs here."""
    (container,) = only(installed.items, "Pod")["spec"]["containers"]
    *_, script = container["command"]
    there = re.sub(r"http://[^/]+", f"http://127.0.0.1:{installed.port}", script)
    return subprocess.run([sys.executable, "-c", there], text=True, capture_output=True, check=True).stdout


async def endpoints(port: int, name: str) -> list[str]:
    """Where the router sends requests for a Model, as soon as there is anything."""
    async with asyncio.timeout(20), RawClient(port) as client:
        while True:
            models = (await client.get("/status")).json["models"]
            found = [each["address"] for model in models if model["name"] == name for each in model["endpoints"]]
            if found:
                return found


async def test_an_account_of_the_router_lists_no_secrets(installed: Installed, place: Namespace) -> None:
    path = f"/api/v1/namespaces/{place.name}/serviceaccounts/{installed.account('router')}/token"
    with installed.plane.client() as admin:
        token = admin.post(path, json={"spec": {}}).raise_for_status().json()["status"]["token"]
    with installed.plane.client(token) as router:
        assert refusals(router, place.name) == [403, 403, 403]


def refusals(client: httpx.Client, namespace: str) -> list[int]:
    """Listing Secrets, watching one, and writing a Model."""
    secrets_ = f"/api/v1/namespaces/{namespace}/secrets"
    models = f"/apis/auriga.dev/v1alpha1/namespaces/{namespace}/models"
    return [
        client.get(secrets_).status_code,
        client.get(secrets_, params={"watch": "true", "fieldSelector": "metadata.name=key"}).status_code,
        client.post(models, json={}).status_code,
    ]

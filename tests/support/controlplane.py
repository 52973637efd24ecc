"""A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager on loopback.

Any number of them run side by side, each in a directory of its own, ready in seconds, without root and without nodes:
pods stay Pending, everything else is Kubernetes itself. The programs come from `support.kube.provide`.
"""

import json
import os
import secrets
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from support.kube import certificates, flags
from support.kube.binaries import CONTROL_PLANE
from support.kube.ports import free_ports
from support.kube.processes import Program, wait_until
from support.kube.provide import find

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class KubectlError(Exception):
    """kubectl ended with another status than 0; the message is what it wrote to stderr."""


class ControlPlane:
    """One control plane; `with ControlPlane(directory) as plane:` starts it and stops it.

    directory: for its files; a second start there finds the data of the first.
    crds: YAML files of CustomResourceDefinitions, applied before the controllers start: their garbage collector learns
        of kinds when it starts, and later only every 30 s, so that children of a newer kind would be left until then.
    controllers, scheduler: whether to run kube-controller-manager and kube-scheduler. Without the first there are no
        garbage collection, no service accounts in new namespaces, no endpoints.
    audit: whether every request is recorded, for `audit()`.
    admission: admission plugins beside the usual ones.
    address: where the API server listens.
    timeout: seconds that each step of a start may take.
    """

    def __init__(
        self,
        directory: Path,
        *,
        crds: Sequence[Path] = (),
        controllers: bool = True,
        scheduler: bool = False,
        audit: bool = False,
        admission: Sequence[str] = (),
        address: str = "127.0.0.1",
        timeout: float = 60,
    ) -> None:
        wanted = CONTROL_PLANE if controllers else CONTROL_PLANE - {"kube-controller-manager"}
        self.binaries = find(wanted | ({"kube-scheduler"} if scheduler else set()))
        self.crds = tuple(crds)
        self.layout = flags.Layout(directory.resolve(), address, *free_ports(3))
        self._controllers, self._scheduler, self._audit, self._timeout = controllers, scheduler, audit, timeout
        self._admission = tuple(admission)
        self.programs: dict[str, Program] = {}  # name -> what runs now
        self._served: set[str] = set()  # of our definitions; an API server that starts is ready before they are

    @property
    def url(self) -> str:
        """The API server's base URL."""
        return self.layout.url

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of a cluster admin; others of `certificates.CLIENTS` lie beside it."""
        return self.layout.kubeconfig("admin")

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client of the API server: a cluster admin by certificate, or whoever `token` stands for."""
        tls = ssl.create_default_context(cafile=str(self.layout.pki / "ca.pem"))
        if token is None:
            tls.load_cert_chain(self.layout.pki / "admin.pem", self.layout.pki / "admin.key")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, verify=tls, trust_env=False, headers=headers, timeout=10)

    def kubectl(
        self, *arguments: str | Path, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl as a cluster admin. Raises KubectlError, unless `check` is false."""
        process = subprocess.run(
            [self.binaries / "kubectl", f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
            env=os.environ | {"KUBECACHEDIR": str(self.layout.directory / "kubectl")},
        )
        if check and process.returncode:
            raise KubectlError(process.stderr.strip())
        return process

    def audit(self) -> Iterator[dict[str, Any]]:
        """The recorded requests so far, oldest first, as audit.k8s.io/v1 Events."""
        with self.layout.audit_log.open() as lines:
            yield from map(json.loads, lines)

    def create_namespace(self, prefix: str = "test") -> str:
        """Makes a namespace with a name of its own, where pods could be created at once; returns the name."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        with self.client() as client:
            client.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
            if self._controllers:
                self._wait_for_service_account(client, name)
        return name

    def start(self) -> Self:
        """Starts all programs and waits until they are ready. Raises ProgramError, with nothing left running."""
        try:
            self._prepare()
            self._run("etcd", flags.etcd(self.layout))
            self.start_api_server()
            self.apply_crds()
            with self.client() as client:
                if self._controllers:
                    self._run("kube-controller-manager", flags.kube_controller_manager(self.layout))
                if self._scheduler:
                    self._run("kube-scheduler", flags.kube_scheduler(self.layout))
                if self._controllers:
                    self._wait_for_service_account(client, "default")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops all programs, clients of the API server first; the data stays in the directory."""
        for name in ("kube-scheduler", "kube-controller-manager"):
            self._end(name, grace=3)
        self._end("kube-apiserver", grace=0)  # what it has answered is in etcd, and nobody is left to say goodbye to
        self._end("etcd", grace=10)

    def start_api_server(self) -> None:
        """Starts the API server, at the same address as before, and waits until it is ready."""
        self._run("kube-apiserver", flags.kube_apiserver(self.layout, audit=self._audit, admission=self._admission))
        with self.client() as client:
            # Before its own roles are there, too, it would refuse the other parts, and they would back off for seconds.
            self._wait("ready API server", partial(_answers, client, "/readyz"), "etcd", "kube-apiserver")
            for path in self._served:
                self._wait(f"list of {path}", partial(_answers, client, path), "etcd", "kube-apiserver")

    def stop_api_server(self, grace: float = 3) -> None:
        """Stops the API server alone; the other programs keep running and wait for it.

        It refuses connections at once, then has `grace` seconds for what it is doing; by itself it waits a minute for
        watches.
        """
        self._end("kube-apiserver", grace)

    def _prepare(self) -> None:
        layout = self.layout
        layout.directory.mkdir(parents=True, exist_ok=True)
        certificates.ensure(layout.pki, ["127.0.0.1", layout.address, flags.KUBERNETES_SERVICE])
        for name in certificates.CLIENTS:
            certificates.kubeconfig(layout.kubeconfig(name), layout.url, layout.pki, name)
        layout.audit_policy.write_text(json.dumps(AUDIT_POLICY))

    def apply_crds(self) -> None:
        """Makes the definitions, and waits until their kinds are served."""
        with self.client() as client:
            self._apply_crds(client)

    def _apply_crds(self, client: httpx.Client) -> None:
        """Server-side, since a directory that was used before has them already, perhaps an older state of them."""
        for path in self.crds:
            for crd in filter(None, yaml.safe_load_all(path.read_text())):
                at = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd['metadata']['name']}"
                content_type = {"content-type": "application/apply-patch+yaml"}
                parameters = {"fieldManager": "tests", "force": "true"}
                answer = client.patch(at, params=parameters, headers=content_type, content=json.dumps(crd))
                if answer.is_error:
                    raise ValueError(f"the API server refuses {path}: {answer.json()['message']}")
                self._wait_for_kind(client, crd)

    def _wait_for_kind(self, client: httpx.Client, crd: dict[str, Any]) -> None:
        spec = crd["spec"]
        for version in spec["versions"]:
            # A list, not the condition Established: just after that, lists still answer 429 for a moment.
            path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
            self._served.add(path)
            self._wait(f"list of {path}", partial(_answers, client, path), "etcd", "kube-apiserver")

    def _wait_for_service_account(self, client: httpx.Client, namespace: str) -> None:
        """Pods are refused in a namespace until the controllers have made this there."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        self._wait(f"service account {namespace}/default", partial(_answers, client, path), "kube-controller-manager")

    def _wait(self, what: str, ready: Callable[[], bool], *names: str) -> None:
        wait_until(what, ready, [self.programs[name] for name in names], self._timeout)

    def _run(self, name: str, arguments: list[str]) -> None:
        if name in self.programs:
            raise RuntimeError(f"{name} runs already")
        log = self.layout.directory / f"{name}.log"
        self.programs[name] = Program(name, [self.binaries / name, *arguments], log)

    def _end(self, name: str, grace: float) -> None:
        program = self.programs.pop(name, None)
        if program is not None:
            program.stop(grace)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _answers(client: httpx.Client, path: str) -> bool:
    """Asks briefly: an API server without etcd keeps its callers waiting, and they want to see that etcd has ended."""
    try:
        return client.get(path, timeout=2).is_success
    except httpx.TransportError:
        return False

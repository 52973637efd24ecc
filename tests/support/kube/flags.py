"""The command line of each program of a control plane: pure functions of where it lies and listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.kube.certificates import CLUSTER_DOMAIN

SERVICE_RANGE = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"  # the first of them, of service default/kubernetes
ISSUER = f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one control plane keeps its files and listens.

    directory: its own. address: of the API server. The three ports are of the same machine and different.
    """

    directory: Path
    address: str
    api_port: int
    etcd_port: int
    peer_port: int

    @property
    def url(self) -> str:
        """The API server's base URL."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def pki(self) -> Path:
        """The folder of certificates and keys."""
        return self.directory / "pki"

    @property
    def audit_policy(self) -> Path:
        """The file that says what is written to `audit_log`."""
        return self.directory / "audit-policy.json"

    @property
    def audit_log(self) -> Path:
        """One JSON object a line for each request, where auditing is on."""
        return self.directory / "audit.log"

    def kubeconfig(self, name: str) -> Path:
        """The kubeconfig file of the client `name`."""
        return self.directory / f"{name}.kubeconfig"


def etcd(layout: Layout) -> list[str]:
    """etcd, in its own folder; it does not wait for the disk, since what a power cut would lose is a test's."""
    client, peer = f"http://127.0.0.1:{layout.etcd_port}", f"http://127.0.0.1:{layout.peer_port}"
    return [
        "--name=test",
        f"--data-dir={layout.directory / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=test={peer}",
    ]


def kube_apiserver(layout: Layout, *, audit: bool, admission: Sequence[str] = ()) -> list[str]:
    """kube-apiserver with RBAC, client certificates and service account tokens; nobody is anonymous."""
    pki = layout.pki
    # A loopback address may not stand in the endpoints of default/kubernetes; then nothing keeps those.
    reconciler = "none" if layout.address.startswith("127.") else "lease"
    flags = [
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        f"--bind-address={layout.address}",
        f"--advertise-address={layout.address}",
        f"--secure-port={layout.api_port}",
        f"--endpoint-reconciler-type={reconciler}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--cert-dir={pki}",
        f"--tls-cert-file={pki / 'server.pem'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.pem'}",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        f"--enable-admission-plugins={','.join(('NodeRestriction', *admission))}",
        "--allow-privileged=true",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={pki / 'service-accounts.pem'}",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.pem'}",
        f"--kubelet-client-certificate={pki / 'kube-apiserver-to-kubelet.pem'}",
        f"--kubelet-client-key={pki / 'kube-apiserver-to-kubelet.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--shutdown-delay-duration=0s",
    ]
    if audit:
        flags += [f"--audit-policy-file={layout.audit_policy}", f"--audit-log-path={layout.audit_log}"]
    return flags


def kube_controller_manager(layout: Layout) -> list[str]:
    """kube-controller-manager, alone and therefore without an election, quick, and without a port of its own."""
    pki = layout.pki
    return [
        *_client(layout, "kube-controller-manager"),
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={pki / 'service-accounts.key'}",
        f"--root-ca-file={pki / 'ca.pem'}",
        f"--cluster-signing-cert-file={pki / 'ca.pem'}",
        f"--cluster-signing-key-file={pki / 'ca.key'}",
        f"--flex-volume-plugin-dir={layout.directory / 'volume-plugins'}",
        "--horizontal-pod-autoscaler-sync-period=1s",  # it first looks after as long
    ]


def kube_scheduler(layout: Layout) -> list[str]:
    """kube-scheduler, likewise."""
    return _client(layout, "kube-scheduler")


def _client(layout: Layout, name: str) -> list[str]:
    limits = ["--kube-api-qps=200", "--kube-api-burst=400"]
    return [f"--kubeconfig={layout.kubeconfig(name)}", "--leader-elect=false", "--secure-port=0", *limits]

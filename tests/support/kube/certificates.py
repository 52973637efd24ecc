"""Certificates and kubeconfigs of one control plane: an authority of its own, a server, and a client for each part."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trustme

CLUSTER_DOMAIN = "cluster.local"
SERVICE_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
)
# File name -> (user, group); what each may do comes from the roles that the API server makes at its first start.
CLIENTS = {
    "admin": ("admin", "system:masters"),
    "kube-apiserver-to-kubelet": ("kube-apiserver-kubelet-client", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-proxy": ("system:kube-proxy", None),
    "kube-scheduler": ("system:kube-scheduler", None),
}


def ensure(folder: Path, addresses: Sequence[str]) -> None:
    """Fills `folder` once: ca, server (for `addresses`), service-accounts and one of CLIENTS each, .pem and .key.

    What is there stays, so that a control plane that starts again knows its clients and their tokens.
    """
    if (folder / "ca.pem").exists():
        return
    folder.mkdir(mode=0o700, parents=True)
    authority = trustme.CA()
    _write(folder, "server", authority.issue_cert(*addresses, "localhost", *SERVICE_NAMES))
    _write(folder, "service-accounts", authority.issue_cert("service-accounts"))
    for name, (user, group) in CLIENTS.items():
        # With a DNS name, which nobody reads: trustme marks the list of names as critical, and Go refuses an empty one.
        _write(folder, name, authority.issue_cert(name, common_name=user, organization_name=group))
    authority.private_key_pem.write_to_path(folder / "ca.key")
    authority.cert_pem.write_to_path(folder / "ca.pem")


def issue(folder: Path, name: str, user: str, group: str | None, *names: str) -> None:
    """Adds the certificate `name` of a further client, which may also serve at `names` (addresses or DNS names)."""
    authority = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes())
    _write(folder, name, authority.issue_cert(*(names or [name]), common_name=user, organization_name=group))


def _write(folder: Path, name: str, certificate: trustme.LeafCert) -> None:
    certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    certificate.private_key_pem.write_to_path(folder / f"{name}.key")


def kubeconfig(path: Path, url: str, folder: Path, name: str) -> Path:
    """Writes the kubeconfig of the client `name` to `path`, and returns that."""
    cluster = {"server": url, "certificate-authority": str(folder / "ca.pem")}
    user = {"client-certificate": str(folder / f"{name}.pem"), "client-key": str(folder / f"{name}.key")}
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config, indent=1))  # JSON is YAML
    return path

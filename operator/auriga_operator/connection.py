"""How to reach the API server, and as whom: the kubeconfig, or a pod's service account.

Reading those is left to the official client, which knows every way in (certificates, tokens that rotate, exec plugins).
Its requests and models are not used: `kube` says why.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import kopf
from kubernetes import client, config

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class NoCluster(Exception):  # noqa: N818 - says it all
    """There is no cluster to talk to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server and the credentials for it."""

    configuration: client.Configuration
    namespace: str
    """Where this process is at home: its pod's namespace, else the kubeconfig's, else ``default``."""

    @property
    def server(self) -> str:
        return str(self.configuration.host).rstrip("/")

    def tls(self) -> ssl.SSLContext:
        """The context for every connection to the server."""
        context = ssl.create_default_context(cafile=self.configuration.ssl_ca_cert)
        if not self.configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.configuration.cert_file:
            context.load_cert_chain(self.configuration.cert_file, self.configuration.key_file)
        return context

    def token(self) -> str:
        """The bearer token as it is now, renewed when it is due; empty when certificates do."""
        setting = self.configuration.auth_settings().get("BearerToken")
        return str(setting["value"] or "").split(" ")[-1] if setting else ""

    def for_kopf(self) -> kopf.ConnectionInfo:
        """The same for kopf."""
        return kopf.ConnectionInfo(
            server=self.server,
            ca_path=self.configuration.ssl_ca_cert,
            insecure=not self.configuration.verify_ssl,
            certificate_path=self.configuration.cert_file,
            private_key_path=self.configuration.key_file,
            scheme="Bearer" if self.token() else None,
            token=self.token() or None,
            default_namespace=self.namespace,
        )


def connect(kubeconfig: Path | None = None) -> Connection:
    """The cluster of ``kubeconfig`` or ``KUBECONFIG``, else the one whose pod this is. Raises NoCluster."""
    configuration = client.Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ and not (kubeconfig or os.environ.get("KUBECONFIG")):
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            return Connection(configuration, _SERVICE_ACCOUNT.read_text().strip())
        file = str(kubeconfig) if kubeconfig else None
        config.load_kube_config(file, client_configuration=configuration)  # type: ignore[no-untyped-call]
        _, active = config.list_kube_config_contexts(file)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError) as error:
        message = str(error).rstrip(".")
        raise NoCluster(f"no cluster to talk to: {message}: set KUBECONFIG to a kubeconfig file") from error
    return Connection(configuration, active["context"].get("namespace") or "default")

"""How to reach the API server, and as whom: a pod's service account. ``kubeconfig`` makes the same of a file.

Certificates and tokens are read anew for each connection: both are renewed in place.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoCluster(Exception):  # noqa: N818 - says it all
    """There is no cluster to talk to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: a certificate with its key, or a token, each as text or in a file."""

    certificate: bytes = b""
    """PEM: the certificate, then its key."""
    certificate_files: tuple[Path, Path] | None = None
    token: str = field(default="", repr=False)
    token_file: Path | None = None

    def __repr__(self) -> str:
        return "Identity(...)"

    def authorization(self) -> str:
        """The value of the header; empty when a certificate does. Raises OSError."""
        token = self.token_file.read_text().strip() if self.token_file else self.token
        return f"Bearer {token}" if token else ""


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server and the identity to use there."""

    server: str
    """``https://host:port``, perhaps with a path."""
    identity: Identity = Identity()
    authority: str = ""
    """PEM of the certificate authority. Without one and without a file, the system's are trusted."""
    authority_file: Path | None = None
    server_name: str = ""
    """The name in the server's certificate, where it is not the host."""
    verify: bool = True

    @property
    def address(self) -> SplitResult:
        return urlsplit(self.server)

    def tls(self) -> ssl.SSLContext | None:
        """The context for a new connection; None for plain HTTP, as ``kubectl proxy`` speaks it. Raises OSError."""
        if self.address.scheme == "http":
            return None
        context = ssl.create_default_context(cafile=self.authority_file, cadata=self.authority or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.identity.certificate_files:
            context.load_cert_chain(*self.identity.certificate_files)
        elif self.identity.certificate:
            _load(context, self.identity.certificate)
        return context


def in_cluster(environment: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> Connection:
    """The cluster whose pod this is. Raises NoCluster."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NoCluster("no cluster to follow: set KUBECONFIG to a kubeconfig file, or run this in a pod")
    if not (folder / "token").exists():
        raise NoCluster(f"no token in {folder}: give the pod a service account, and do not turn off mounting its token")
    return Connection(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        identity=Identity(token_file=folder / "token"),
        authority_file=folder / "ca.crt",
    )


def _load(context: ssl.SSLContext, certificate: bytes) -> None:
    """Python takes certificates from files only."""
    import tempfile  # noqa: PLC0415 - costs memory that pods need not spend

    with tempfile.NamedTemporaryFile(delete=False) as file:
        path = Path(file.name)
        file.write(certificate)
    try:
        context.load_cert_chain(path)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()

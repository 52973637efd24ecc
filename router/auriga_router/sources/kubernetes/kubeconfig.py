"""Kubeconfig files, as far as a router outside of the cluster needs them: certificates and tokens, no plugins."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from auriga_router.sources.kubernetes.connection import Connection, Identity, NoCluster, in_cluster

Entry = dict[str, Any]
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INSTEAD = "use a service account's token or a client certificate"


def connect(environment: Mapping[str, str]) -> Connection:
    """The cluster that ``KUBECONFIG`` names, else the one whose pod this is, else kubectl's. Raises NoCluster."""
    named = environment.get("KUBECONFIG", "")
    if not named and "KUBERNETES_SERVICE_HOST" in environment:
        return in_cluster(environment)
    default = Path.home() / ".kube" / "config"
    paths = [Path(part) for part in named.split(os.pathsep) if part] or [default]
    existing = [path for path in paths if path.exists()]
    if named and not existing:
        raise NoCluster(f"KUBECONFIG: no such file: {named}")
    return from_files(existing) if existing else in_cluster(environment)


def from_files(paths: list[Path]) -> Connection:
    """The cluster of the current context; of entries with one name the first counts. Raises NoCluster."""
    files = [(path, _read(path)) for path in paths]
    current = next((file["current-context"] for _, file in files if file.get("current-context")), "")
    if not current:
        raise NoCluster(f"{_names(paths)}: no current-context: choose one with `kubectl config use-context`")
    context, _ = _entry(files, "contexts", "context", current)
    cluster, cluster_folder = _entry(files, "clusters", "cluster", str(context.get("cluster", "")))
    user, user_folder = _entry(files, "users", "user", str(context.get("user", "")))
    if cluster.get("proxy-url"):
        raise NoCluster(f"{_names(paths)}: proxy-url is not supported: reach the API server directly")
    if not cluster.get("server"):
        raise NoCluster(f'{_names(paths)}: the cluster of context "{current}" has no server')
    return Connection(
        server=str(cluster["server"]).rstrip("/"),
        identity=_identity(user, user_folder, str(context.get("user", ""))),
        authority=_decoded(cluster, "certificate-authority-data"),
        authority_file=_file(cluster, "certificate-authority", cluster_folder),
        server_name=str(cluster.get("tls-server-name") or ""),
        verify=not cluster.get("insecure-skip-tls-verify"),
    )


def _identity(user: Entry, folder: Path, name: str) -> Identity:
    for unsupported in ("exec", "auth-provider", "username"):
        if user.get(unsupported):
            raise NoCluster(f'kubeconfig: user "{name}" signs in by {unsupported}: {_INSTEAD}')
    certificate = _file(user, "client-certificate", folder)
    key = _file(user, "client-key", folder)
    inline = _decoded(user, "client-certificate-data") + "\n" + _decoded(user, "client-key-data")
    return Identity(
        certificate=inline.strip().encode(),
        certificate_files=(certificate, key) if certificate and key else None,
        token=str(user.get("token") or ""),
        token_file=_file(user, "tokenFile", folder),
    )


def _entry(files: list[tuple[Path, Entry]], plural: str, singular: str, name: str) -> tuple[Entry, Path]:
    """An entry by its name, and the folder that its paths are relative to."""
    for path, file in files:
        for entry in file.get(plural) or []:
            if entry.get("name") == name:
                return entry.get(singular) or {}, path.parent
    raise NoCluster(f'{_names([path for path, _ in files])}: {plural} has no "{name}"')


def _read(path: Path) -> Entry:
    try:
        content = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a safe loader, written in C
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        # Not what the parser says: it repeats lines, and those hold keys.
        raise NoCluster(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no YAML'}") from None
    if not isinstance(content, dict):
        raise NoCluster(f"{path} is no kubeconfig")
    return content


def _file(entry: Entry, field: str, folder: Path) -> Path | None:
    return folder / str(entry[field]) if entry.get(field) else None


def _decoded(entry: Entry, field: str) -> str:
    try:
        return base64.b64decode(entry.get(field) or "").decode()
    except ValueError:
        raise NoCluster(f"kubeconfig: {field} is no base64") from None


def _names(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))

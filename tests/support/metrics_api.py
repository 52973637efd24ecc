"""The metrics APIs that a HorizontalPodAutoscaler reads, said by the test: an API server passes questions on to here.

Real clusters have metrics-server and an adapter for Prometheus in this place.
"""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import trustme

Object = dict[str, Any]
EXTERNAL, RESOURCE = "external.metrics.k8s.io", "metrics.k8s.io"
KINDS = {EXTERNAL: "ExternalMetricValueList", RESOURCE: "PodMetrics"}
VERSION = "v1beta1"


class MetricsApi:
    """``with`` serves it on loopback.

    external: metric -> value. pods: pod -> the processor time it takes, such as ``250m``; both may change at any time.
    """

    def __init__(self, folder: Path) -> None:
        self.external: dict[str, str] = {}
        self.pods: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = _tls(folder).wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def objects(self, namespace: str) -> list[Object]:
        """What tells an API server of it."""
        port = self._server.server_address[1]
        service = {"type": "ExternalName", "externalName": "localhost"}
        named = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": namespace}}
        return [{**named, "spec": service}, *(_registered(group, namespace, port) for group in KINDS)]

    def answer(self, path: str) -> Object | None:
        """The object at a path, or None."""
        match path.strip("/").split("/"):
            case ["apis", group, version] if (group, version) in {(group, VERSION) for group in KINDS}:
                return _resources(group, self.external)
            case ["apis", group, _, "namespaces", _, metric] if group == EXTERNAL and metric in self.external:
                item = {"metricName": metric, "metricLabels": {}, "timestamp": _now(), "value": self.external[metric]}
                return _list("ExternalMetricValueList", EXTERNAL, [item])
            case ["apis", group, _, "namespaces", namespace, "pods"] if group == RESOURCE:
                return _list("PodMetricsList", RESOURCE, [_pod(namespace, *each) for each in self.pods.items()])
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = api.answer(urlsplit(self.path).path)
                body = json.dumps(found).encode()
                self.send_response(200 if found else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as it is called there
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _tls(folder: Path) -> ssl.SSLContext:
    certificate = trustme.CA().issue_cert("localhost")
    file = folder / "metrics.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


def _registered(group: str, namespace: str, port: int) -> Object:
    service = {"name": "metrics", "namespace": namespace, "port": port}
    order = {"groupPriorityMinimum": 100, "versionPriority": 100}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{group}"},
        "spec": {"group": group, "version": VERSION, "service": service, "insecureSkipTLSVerify": True, **order},
    }


def _resources(group: str, metrics: dict[str, str]) -> Object:
    names = metrics if group == EXTERNAL else ["pods"]
    kind = {"singularName": "", "namespaced": True, "kind": KINDS[group], "verbs": ["get", "list"]}
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{VERSION}"}
    return {**head, "resources": [{"name": name, **kind} for name in names]}


def _list(kind: str, group: str, items: list[Object]) -> Object:
    return {"kind": kind, "apiVersion": f"{group}/{VERSION}", "metadata": {}, "items": items}


def _pod(namespace: str, name: str, cpu: str) -> Object:
    usage = {"name": "router", "usage": {"cpu": cpu, "memory": "64Mi"}}
    metadata = {"name": name, "namespace": namespace}
    # An autoscaler leaves out what was measured before a pod had been ready for a window.
    return {"metadata": metadata, "timestamp": _now(seconds=60), "window": "1s", "containers": [usage]}


def _now(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Binds the router's own port, before anything else happens."""

from __future__ import annotations

import errno
import ipaddress
import socket


class CannotListenError(Exception):
    """The address cannot be served on. The message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises CannotListenError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        raise CannotListenError(_explain(error, host, port)) from error
    sock.setblocking(False)
    return sock


def is_private(sock: socket.socket) -> bool:
    """Can nobody beyond this machine reach it?"""
    return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def url(sock: socket.socket) -> str:
    """The address to call, without a path: ``http://127.0.0.1:8080``. A wildcard is shown as the loopback."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a comparison, no binding
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain(error: OSError, host: str, port: int) -> str:
    where = f"port {port} on {host}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: end what listens there (`lsof -i :{port}` names it), or choose another with --port"
    if error.errno == errno.EACCES:
        return f"{where} may not be used by you: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all of its addresses"
    if isinstance(error, socket.gaierror):
        return f"--host {host}: no such name: use 127.0.0.1, or 0.0.0.0 for all addresses of this machine"
    return f"{where} cannot be listened on: {error.strerror}"

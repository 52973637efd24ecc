"""Where the routers are, from the EndpointSlices of their Service. No I/O: a follower puts in what it hears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from auriga_operator.resources import Key, Object, Resource, key_of

PORT = "http"
"""Name of the port of the Service that routers answer on."""


class Routers:
    """The addresses of all routers. ``changed`` is called when there are others, or one became ready or stopped to be.

    An address that is not ready counts, too: a router that drains still holds requests.
    """

    def __init__(self, changed: Callable[[Mapping[str, bool]], None]) -> None:
        self._changed = changed
        self._slices: dict[Key, dict[str, bool]] = {}
        self._told: dict[str, bool] | None = None

    def put(self, item: Object) -> None:
        """The slice is like this now."""
        self._slices[key_of(item)] = addresses(item)
        self._tell()

    def remove(self, item: Object) -> None:
        """The slice is gone."""
        self._slices.pop(key_of(item), None)
        self._tell()

    def keep(self, resource: Resource, namespace: str, names: AbstractSet[Key], version: int) -> None:
        """There are no others: all slices are known."""
        self._slices = {key: found for key, found in self._slices.items() if key in names}
        self._told = self._told or {}
        self._tell(always=True)

    def recovered(self) -> None:
        """The API server answers again: what was missed comes with the list that it answered."""

    def _tell(self, *, always: bool = False) -> None:
        # Not before all slices are known: a router that is not seen yet would count as one that is not there.
        if self._told is None:
            return
        now: dict[str, bool] = {}
        for found in self._slices.values():
            for address, ready in found.items():
                now[address] = now.get(address, False) or ready
        if always or now != self._told:
            self._told = now
            self._changed(now)


def addresses(item: Object) -> dict[str, bool]:
    """``host:port`` of a slice -> whether it is ready."""
    port = _port(item.get("ports") or [])
    if port is None:
        return {}
    return {
        _address(endpoint["addresses"][0], port): (endpoint.get("conditions") or {}).get("ready") is not False
        for endpoint in item.get("endpoints") or []
        if endpoint.get("addresses")
    }


def _port(ports: list[dict[str, Any]]) -> int | None:
    named = [each["port"] for each in ports if each.get("name") == PORT and each.get("port")]
    return next(iter(named or [each["port"] for each in ports if each.get("port")]), None)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

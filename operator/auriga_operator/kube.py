"""The one user of the Kubernetes API: dicts in, dicts out, one HTTP session.

The official client's generated methods turn every answer into models; that costs several times the request itself, and
server-side apply and watches get no help from them. So it reads the credentials (`connection`) and aiohttp, which kopf
brings, does the requests.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self

import aiohttp
import orjson

from auriga_operator.connection import Connection
from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.resources import BY_KIND, Key, Object, Resource

Selectors = Mapping[str, str]
"""``labelSelector`` and ``fieldSelector``."""
NO_SELECTORS: Selectors = MappingProxyType({})

FIELD_MANAGER = "auriga-operator"
PAGE = 100
"""Objects per page of a list."""

_MANAGED = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Ignore"}
"""Nobody would read warnings of unknown fields, and looking for them costs the API server a millisecond a write."""
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_METADATA_ONLY = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=5)
# A stream may die unnoticed, and one without changes looks the same: after so much silence it is begun anew.
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
_TOKEN_SECONDS = 30.0


class Kube:
    """A session with the API server. Errors: ApiError when it refuses, Unreachable when it does not answer."""

    def __init__(self, connection: Connection, user_agent: str = FIELD_MANAGER) -> None:
        self._connection = connection
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None
        self._headers: dict[str, str] = {}
        self._headers_until = 0.0

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._connection.tls(), limit=0)
        headers = {"user-agent": self._user_agent}
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def get(self, key: Key) -> Object | None:
        """The object, or None when there is none."""
        try:
            return await self._call("GET", _path(key))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def apply(self, manifest: Object, *, force: bool = True, subresource: str = "") -> Object:
        """Server-side apply: the object as it is afterwards. Without ``force``, 409 for fields of other managers."""
        key = Key(manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"])
        params = {**_MANAGED, "force": "true" if force else "false"}
        return await self._call("PATCH", _path(key, subresource), params=params, body=manifest, content_type=_APPLY)

    async def merge(self, key: Key, uid: str, change: Object) -> Object:
        """Some fields of that very object, whoever owns them; ApiError 409 when another has taken its name."""
        body = {**change, "metadata": {**change.get("metadata", {}), "uid": uid}}
        return await self._call("PATCH", _path(key), params=_MANAGED, body=body, content_type=_MERGE)

    async def create(self, manifest: Object) -> Object:
        """A new object; ApiError 409 when there is one of that name."""
        resource = BY_KIND[manifest["kind"]]
        path = resource.path(manifest["metadata"]["namespace"])
        return await self._call("POST", path, params=_MANAGED, body=manifest)

    async def replace(self, manifest: Object) -> Object:
        """The object anew; ApiError 409 when it has changed since ``metadata.resourceVersion``."""
        key = Key(manifest["kind"], manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        return await self._call("PUT", _path(key), params=_MANAGED, body=manifest)

    async def delete(self, key: Key, uid: str) -> None:
        """Deletes that very object, and nothing that has taken its name since; what it owns goes with it."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._call("DELETE", _path(key), body=options)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    async def pages(
        self, resource: Resource, namespace: str, selectors: Selectors = NO_SELECTORS, *, metadata_only: bool = False
    ) -> AsyncIterator[tuple[list[Object], str]]:
        """All objects, page by page, each with the resource version of the whole list."""
        params = {"limit": str(PAGE), **selectors}
        while True:
            accept = _METADATA_ONLY.format("List") if metadata_only else ""
            page = await self._call("GET", resource.path(namespace), params=params, accept=accept)
            items = [{**item, "kind": resource.kind} for item in page.get("items") or []]
            yield items, page["metadata"]["resourceVersion"]
            if not page["metadata"].get("continue"):
                return
            params["continue"] = page["metadata"]["continue"]

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        selectors: Selectors = NO_SELECTORS,
        *,
        since: str,
        seconds: float,
        metadata_only: bool = False,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Changes after ``since``, for about so many seconds. ApiError 410 when that lies too far back."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(max(1, int(seconds))),
            **selectors,
        }
        accept = _METADATA_ONLY.format("") if metadata_only else ""
        path = resource.path(namespace)
        async with self._request("GET", path, params=params, accept=accept, stream=True) as response:
            async for line in _lines(response):
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise _error(event["object"].get("code", 500), event["object"], {})
                yield event["type"], {**event["object"], "kind": resource.kind}

    async def log(self, namespace: str, pod: str, container: str, **limits: int) -> str:
        """The log of a container, as far as ``limits`` let it (``tailLines``, ``limitBytes``); or nothing."""
        params = {"container": container, **{name: str(value) for name, value in limits.items()}}
        try:
            path = BY_KIND["Pod"].path(namespace, pod, "log")
            async with self._request("GET", path, params=params) as response:
                return (await response.read()).decode(errors="replace")
        except ApiError as error:
            if error.status in (400, 404):
                return ""
            raise

    async def server_version(self) -> tuple[int, int]:
        """Major and minor version of the API server."""
        answer = await self._call("GET", "/version")
        return int(answer["major"]), int("".join(filter(str.isdigit, answer["minor"])))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "",
    ) -> Object:
        async with self._request(
            method, path, params=params, body=body, content_type=content_type, accept=accept
        ) as response:
            answer: Object = orjson.loads(await response.read())
            return answer

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "",
        stream: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("use Kube in `async with`")
        headers = {**self._authorization(), "content-type": content_type, "accept": accept or "application/json"}
        data = orjson.dumps(body) if body is not None else None
        url = self._connection.server + path
        try:
            async with self._session.request(
                method, url, params=params, data=data, headers=headers, timeout=_STREAM_TIMEOUT if stream else _TIMEOUT
            ) as response:
                if response.status >= 400:
                    raise _error(response.status, _decoded(await response.read()), response.headers)
                yield response
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{method} {path}: {str(error) or type(error).__name__}") from error

    def _authorization(self) -> dict[str, str]:
        if time.monotonic() >= self._headers_until:
            token = self._connection.token()
            self._headers = {"authorization": f"Bearer {token}"} if token else {}
            self._headers_until = time.monotonic() + _TOKEN_SECONDS
        return self._headers


def _path(key: Key, subresource: str = "") -> str:
    return BY_KIND[key.kind].path(key.namespace, key.name, subresource)


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Lines until silence or the end; of any length, unlike those of aiohttp's own reader."""
    buffer = b""
    with suppress(aiohttp.SocketTimeoutError):
        async for chunk in response.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                yield line


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {"message": content.decode(errors="replace")[:300]}
    return answer if isinstance(answer, dict) else {}


def _error(status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> ApiError:
    retry_after = headers.get("Retry-After", "")
    return ApiError(
        status,
        str(body.get("reason") or ""),
        str(body.get("message") or ""),
        float(retry_after) if retry_after.isdigit() else 0.0,
    )

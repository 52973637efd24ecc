"""A Hugging Face hub on loopback: the parts that clients of weights use, with the headers and refusals of the real one.

Two servers, as in life: the hub (its API, and ``resolve``, which sends large files on with a redirect) and the storage
behind it, another origin, which takes only signed addresses and must never see a token. Both run in a thread of their
own, so that blocking clients and other processes can be tested. Everything asked is in ``seen``; ``faults`` are played
one a request.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

SIGNATURE = "Expires=9999&Signature=s3cr3t"
LFS_FROM = 1000
"""Files of so many bytes and more are in LFS, with a sha256; smaller ones in plain git."""


@dataclass(frozen=True)
class Seen:
    """One request: server is "hub" or "storage"."""

    server: str
    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str:
        return self.headers.get("range", "")


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one answer."""

    status: int = 0
    """Answer with this status instead."""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after so many bytes of the body."""
    stall_after: int | None = None
    """Send no more after so many bytes, and keep the connection open."""
    garble: bool = False
    """Send other bytes of the same length."""
    ignore_range: bool = False


@dataclass
class Repo:
    """A model repository at one commit."""

    files: dict[str, bytes]
    commit: str
    revisions: set[str]
    gated: bool = False
    private: bool = False
    without_metadata: bool = False
    """List names only, as some mirrors do."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class FakeHub:
    """A context manager: ``with FakeHub() as hub``; ``hub.url`` is what goes into HF_ENDPOINT."""

    token = "hf_SeCrEtToKeN"

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.pages: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.seen: list[Seen] = []
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.stalled = threading.Event()
        self.url = self.storage_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runners: list[web.AppRunner] = []
        self._handlers: set[asyncio.Task[Any]] = set()

    def add(self, repo: str, files: dict[str, bytes], *, revision: str = "main", **how: bool) -> Repo:
        """Publish ``files``; the commit follows from what they hold."""
        commit = hashlib.sha1(repr(sorted((name, sha256(content)) for name, content in files.items())).encode())
        self.repos[repo] = Repo(dict(files), commit.hexdigest(), {revision, commit.hexdigest()}, **how)
        return self.repos[repo]

    def page(self, name: str, content: bytes, **headers: str) -> str:
        """Serve a file as any web server does, and give its address. Underscores in header names become dashes."""
        self.pages[name] = (content, {key.replace("_", "-"): value for key, value in headers.items()})
        return f"{self.storage_url}/pages/{name}"

    def fail(self, name: str, *faults: Fault) -> None:
        """Play ``faults`` for the next requests for the bytes of ``name``, or, for "api", of the API."""
        self.faults[name].extend(faults)

    def of(self, server: str, part: str = "") -> list[Seen]:
        """What was asked of ``server``, of paths that hold ``part``."""
        return [seen for seen in self.seen if seen.server == server and part in seen.path]

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = self._call(self._serve("hub", self._hub_routes()))
        self.storage_url = self._call(self._serve("storage", self._storage_routes()))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _serve(self, server: str, routes: list[web.RouteDef]) -> str:
        @web.middleware
        async def record(request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
            headers = {key.lower(): value for key, value in request.headers.items()}
            self.seen.append(Seen(server, request.method, request.path, headers))
            return await handler(request)

        app = web.Application(middlewares=[record])
        app.add_routes(routes)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _stop(self) -> None:
        for task in self._handlers:
            task.cancel()
        for runner in self._runners:
            await runner.cleanup()

    # The hub

    def _hub_routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/models/{owner}/{name}", self._model_info),
            web.get("/api/models/{owner}/{name}/revision/{revision}", self._model_info),
            web.get("/{owner}/{name}/resolve/{revision}/{file:.+}", self._resolve),  # HEAD too
        ]

    async def _model_info(self, request: web.Request) -> web.Response:
        fault = self._fault("api")
        if fault.status:
            return web.Response(status=fault.status, headers=fault.headers)
        repo = self._allowed(request)
        name = "{owner}/{name}".format(**request.match_info)
        blobs = "blobs" in request.query and not repo.without_metadata
        siblings = [_sibling(path, content, blobs) for path, content in repo.files.items()]
        return web.json_response({"id": name, "modelId": name, "sha": repo.commit, "siblings": siblings})

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        repo = self._allowed(request)
        if repo.gated and not self._authorized(request):
            raise _refused(401, "GatedRepo", "Access to this model is restricted.")
        file = request.match_info["file"]
        if file not in repo.files:
            raise _refused(404, "EntryNotFound", "Entry not found")
        content = repo.files[file]
        headers = {"X-Repo-Commit": repo.commit}
        if len(content) < LFS_FROM:
            return await self._send(request, file, content, headers | {"ETag": f'"{git_sha1(content)}"'})
        headers |= {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{sha256(content)}"'}
        location = f"{self.storage_url}/blobs/{sha256(content)}?{SIGNATURE}"
        return web.Response(status=302, headers=headers | {"Location": location})

    def _allowed(self, request: web.Request) -> Repo:
        if request.headers.get("Authorization") and not self._authorized(request):
            raise _refused(401, "", "Invalid credentials in Authorization header")
        repo = self.repos.get("{owner}/{name}".format(**request.match_info))
        if repo is None or (repo.private and not self._authorized(request)):
            raise _refused(404 if self._authorized(request) else 401, "RepoNotFound", "Repository not found")
        if request.match_info.get("revision", "main") not in repo.revisions:
            raise _refused(404, "RevisionNotFound", "Invalid rev id")
        return repo

    def _authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.token}"

    # The storage

    def _storage_routes(self) -> list[web.RouteDef]:
        return [web.get("/blobs/{hash}", self._blob), web.get("/pages/{name:.+}", self._page)]

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        if request.query_string != SIGNATURE:
            raise web.HTTPForbidden
        for repo in self.repos.values():
            for file, content in repo.files.items():
                if sha256(content) == request.match_info["hash"]:
                    return await self._send(request, file, content, {"ETag": '"storage-etag"'})
        raise web.HTTPNotFound

    async def _page(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in self.pages:
            raise web.HTTPNotFound
        content, headers = self.pages[name]
        if "Location" in headers:
            return web.Response(status=302, headers=headers)
        return await self._send(request, name, content, headers)

    async def _send(
        self, request: web.Request, name: str, content: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        """Bytes with ranges and conditions, as storage servers send them."""
        probing = request.headers.get("Range") == "bytes=0-0"
        fault = self._fault(f"{name}?" if probing else name)
        if fault.status:
            return web.Response(status=fault.status, headers=fault.headers)
        etag = headers.get("ETag", "")
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        span = None if fault.ignore_range else _span(request, len(content), headers)
        start, end = span or (0, len(content))
        if start >= len(content):
            return web.Response(status=416)
        if span is not None:
            headers = headers | {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        response = web.StreamResponse(status=206 if span else 200, headers=headers)
        response.content_length = end - start
        await response.prepare(request)
        if request.method != "HEAD":
            body = content[start:end]
            await self._write(request, response, bytes(255 - byte for byte in body) if fault.garble else body, fault)
        return response

    async def _write(self, request: web.Request, response: web.StreamResponse, body: bytes, fault: Fault) -> None:
        stop = fault.cut_after if fault.cut_after is not None else fault.stall_after
        await response.write(body[:stop])
        if fault.cut_after is not None and request.transport is not None:
            request.transport.close()  # sends what was written, then ends the connection
        elif fault.stall_after is not None:
            task = asyncio.current_task()
            assert task is not None
            self._handlers.add(task)
            self.stalled.set()
            await asyncio.Event().wait()

    def _fault(self, name: str) -> Fault:
        waiting = self.faults[name]
        return waiting.popleft() if waiting else Fault()


def _sibling(path: str, content: bytes, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    described: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": git_sha1(content)}
    if len(content) >= LFS_FROM:
        pointer = f"oid sha256:{sha256(content)}".encode()
        described["blobId"] = git_sha1(pointer)
        described["lfs"] = {"size": len(content), "sha256": sha256(content), "pointerSize": len(pointer)}
    return described


def _refused(status: int, code: str, message: str) -> web.HTTPException:
    kind = {401: web.HTTPUnauthorized, 404: web.HTTPNotFound}[status]
    return kind(headers={"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}))


def _span(request: web.Request, size: int, headers: dict[str, str]) -> tuple[int, int] | None:
    """(first, one past the last) byte of the range asked for; None where the whole is due."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if match is None or (condition and condition not in (headers.get("ETag"), headers.get("Last-Modified"))):
        return None
    return int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)

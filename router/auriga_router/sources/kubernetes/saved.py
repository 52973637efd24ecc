"""The snapshot on disk: what a router starts from when it restarts while there is no API server.

One JSON document a line, so that writing and reading go piece by piece. Secrets are written only where the folder is
memory, as an ``emptyDir`` with ``medium: Memory`` is: they must not reach a disk.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from auriga_api import Model, RoleChain
from auriga_router.snapshot import Snapshot

_log = logging.getLogger(__name__)

_FILE = "snapshot.jsonl"
_HEADER = b'{"auriga":"snapshot","version":1}\n'
_END = b'{"end":true}\n'
_IN_MEMORY = ("tmpfs", "ramfs")
_PIECE = 50
_BETWEEN_WRITES = 2.0


def lines(snapshot: Snapshot, *, secrets: bool) -> Iterator[bytes]:
    """The file. Pure."""
    yield _HEADER
    for what, table in (("model", snapshot.models), ("chain", snapshot.chains)):
        for item in table.values():
            yield b'{"%s":%s}\n' % (what.encode(), item.model_dump_json(by_alias=True, exclude_defaults=True).encode())
    for key, addresses in snapshot.endpoints.items():
        yield orjson.dumps({"endpoints": key, "addresses": addresses}) + b"\n"
    for key, values in snapshot.secrets.items() if secrets else ():
        encoded = {name: base64.b64encode(value).decode() for name, value in values.items()}
        yield orjson.dumps({"secret": key, "values": encoded}) + b"\n"
    yield _END


def read(text: Iterable[bytes]) -> Snapshot:
    """What ``lines`` has written. Pure. Raises ValueError for anything else, or for a part of it."""
    documents = iter(text)
    if next(documents, b"") != _HEADER:
        raise ValueError("not written by this version")
    tables: dict[str, dict[str, Any]] = {"model": {}, "chain": {}, "endpoints": {}, "secret": {}}
    for line in documents:
        if line == _END:
            models, chains, endpoints, secrets = map(MappingProxyType, tables.values())
            return Snapshot(models, chains, secrets, endpoints)
        _add(tables, orjson.loads(line))
    raise ValueError("it has no end")


def _add(tables: dict[str, dict[str, Any]], document: object) -> None:
    match document:
        case {"model": value}:
            model = Model.model_validate(value)
            tables["model"][model.metadata.key] = model
        case {"chain": value}:
            chain = RoleChain.model_validate(value)
            tables["chain"][chain.metadata.key] = chain
        case {"endpoints": key, "addresses": addresses}:
            tables["endpoints"][key] = tuple(addresses)
        case {"secret": key, "values": values}:
            decoded = {name: base64.b64decode(value) for name, value in values.items()}
            tables["secret"][key] = MappingProxyType(decoded)
        case _:
            raise ValueError("not written by this version")


def in_memory(folder: Path, mounts: str) -> bool:
    """Whether the folder is memory, by what /proc/self/mounts says. Pure."""
    kinds = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        kinds[point.encode().decode("unicode_escape")] = kind  # the last mount at a place is the one that is seen
    above = (str(path) for path in (folder, *folder.parents))
    return next((kinds[path] for path in above if path in kinds), "") in _IN_MEMORY


class Saved:
    """The saved snapshot in a folder. Trouble with it is told in the log, and never raised."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _FILE
        self._pending: Snapshot | None = None
        self._wake = asyncio.Event()
        try:
            self._secrets = in_memory(folder.resolve(), Path("/proc/self/mounts").read_text())
        except OSError:
            self._secrets = False

    def load(self) -> Snapshot | None:
        """What was saved last, if anything that can be read."""
        try:
            with self._file.open("rb") as file:
                return read(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.warning("%s: %s: starting without it", self._file, _first_line(error))
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Write this soon."""
        self._pending = snapshot
        self._wake.set()

    async def run(self) -> None:
        """Writes what ``save`` was told, until cancelled."""
        while True:
            await self._wake.wait()
            await self.flush()
            await asyncio.sleep(_BETWEEN_WRITES)  # what changes often is not written as often

    async def flush(self) -> None:
        """Write what is not written yet."""
        self._wake.clear()
        snapshot, self._pending = self._pending, None
        try:
            if snapshot is not None:
                await self._write(snapshot)
        except OSError as error:
            _log.warning("%s: %s: a restart without an API server would find an older one", self._file, error)

    async def _write(self, snapshot: Snapshot) -> None:
        partial = self._file.with_suffix(f".partial-{os.getpid()}")  # several workers may share the folder
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for number, line in enumerate(lines(snapshot, secrets=self._secrets)):
                file.write(line)
                if number % _PIECE == 0:
                    await asyncio.sleep(0)  # requests come first
        partial.rename(self._file)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

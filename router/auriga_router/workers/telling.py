"""Tells another worker what it has asked for, line by line, and serves requests in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from auriga_router.later import Sending
from auriga_router.wire.server import ServerConnection
from auriga_router.workers.lines import END

_log = logging.getLogger(__name__)
_HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


class Telling(Sending):
    """One answer, which is whole if it ends as such."""

    def __init__(self, client: ServerConnection, lines: Iterator[bytes]) -> None:
        super().__init__(client, self._tell)
        self._connection = client
        self._lines = lines

    async def _tell(self) -> None:
        try:
            await self._send(_HEAD)
            for line in self._lines:
                if line:
                    await self._send(line)
                await asyncio.sleep(0)
            await self._send(END)
        except TimeoutError:
            self._connection.abort()
        except Exception:
            _log.exception("another worker could not be told")  # a bug of ours: the other one goes by what it knows
            self._connection.abort()
        else:
            self._client.done(keep_alive=False)
        finally:
            self._lines = iter(())  # at once: a task that was cancelled holds this object until the collector comes

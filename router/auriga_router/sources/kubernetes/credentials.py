"""Reads the Secrets that Models name: one by one, by name, and no others.

A watch would tell of changes sooner, but whoever may watch Secrets may read all of them, also those that no Model
names: so the router asks for `get` alone. A Secret is read when a Model names it, again when that Model changes (as its
status does when the operator sees the Secret come), and every half minute for a key that was exchanged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from auriga_router.sources.kubernetes.cache import SecretRead
from auriga_router.sources.kubernetes.follow import Random, Tell
from auriga_router.sources.kubernetes.http import Api, Refused, Unreachable
from auriga_router.sources.kubernetes.objects import SECRETS, read_secret

_log = logging.getLogger(__name__)

_EVERY = 30.0
_BETWEEN_ROUNDS = 0.5
_AT_ONCE = 8


class SecretReader:
    """Reads until it is cancelled. ``named`` gives the keys of the Secrets that are named now."""

    def __init__(self, api: Api, named: Callable[[], Iterable[str]], tell: Tell, random: Random) -> None:
        self._api = api
        self._named = named
        self._tell = tell
        self._random = random
        self._hurried: set[str] = set()
        self._wake = asyncio.Event()
        self._complaints: dict[str, str] = {}

    def hurry(self, key: str) -> None:
        """Read this one soon."""
        self._hurried.add(key)
        self._wake.set()

    async def read_all(self) -> None:
        """Every Secret that is named now, once."""
        self._hurried.clear()
        await self._round(self._named())

    async def run(self) -> None:
        """For ever."""
        while True:
            hurried = await self._hurried_within(_EVERY * (0.8 + 0.4 * self._random()))
            await self._round(hurried or self._named())
            await asyncio.sleep(_BETWEEN_ROUNDS)  # a Model whose status changes all the time is no reason to hurry more

    async def _hurried_within(self, seconds: float) -> set[str]:
        """What is to be read before the others are due; empty when they are."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return set()
        self._wake.clear()
        hurried, self._hurried = self._hurried, set()
        return hurried & set(self._named())

    async def _round(self, keys: Iterable[str]) -> None:
        places = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for key in set(keys):
                group.create_task(self._read(key, places))

    async def _read(self, key: str, places: asyncio.Semaphore) -> None:
        namespace, _, name = key.partition("/")
        try:
            async with places:
                secret = await self._api.get(SECRETS.path(namespace, name))
        except Refused as error:
            if error.status == 404:
                self._tell([SecretRead(key, None)])
            elif self._complaints.get(key) != str(error):
                self._complaints[key] = str(error)
                _log.warning("Secret %s: %s: what was known of it goes on counting", key, error)
        except Unreachable as error:
            _log.debug("Secret %s: %s", key, error)  # the followers have said so already
        else:
            self._complaints.pop(key, None)
            self._tell([SecretRead(key, read_secret(secret))])

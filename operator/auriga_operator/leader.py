"""Leader election by a Lease: of several replicas one works, the others are ready to.

Only the duration between two looks at the Lease is measured, on the own clock; clocks of different machines are never
compared. A replica that stops gives the Lease back, so that the next one takes over at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auriga_operator.errors import ApiError, Unreachable
from auriga_operator.kube import Kube
from auriga_operator.resources import LEASES, Key, Object

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sight:
    """The Lease as one replica has seen it."""

    holder: str
    renewed: str
    seconds: float
    since: float
    """When this replica first saw it like this, on its own clock."""


def look(lease: Object, before: Sight | None, now: float) -> Sight:
    """What is seen now; ``since`` moves only when the holder has done something."""
    spec = lease.get("spec") or {}
    holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
    same = before is not None and (before.holder, before.renewed) == (holder, renewed)
    return Sight(
        holder, renewed, float(spec.get("leaseDurationSeconds") or 0), before.since if before and same else now
    )


def may_take(sight: Sight | None, identity: str, now: float) -> bool:
    """Whether the Lease is free: nobody's, one's own, or not renewed for its duration."""
    return sight is None or sight.holder in ("", identity) or now >= sight.since + sight.seconds


class Elector:
    """Runs ``lead`` while it holds the Lease, and cancels it when it cannot keep it."""

    def __init__(
        self, kube: Kube, lease: Key, identity: str, seconds: float, lead: Callable[[], Awaitable[None]]
    ) -> None:
        self._kube = kube
        self._lease = lease
        self._identity = identity
        self._seconds = seconds
        self._lead = lead
        self._sight: Sight | None = None
        self._held: Object | None = None
        self._renewed = 0.0

    @property
    def leading(self) -> bool:
        """Whether this replica holds the Lease."""
        return self._held is not None

    async def run(self) -> None:
        """For ever: wait for the Lease, lead, wait again. When cancelled, the Lease is given back."""
        try:
            while True:
                await self._acquire()
                await self._keep_leading()
        finally:
            await self._release()

    async def _acquire(self) -> None:
        while not await self._try():  # noqa: ASYNC110 - what is waited for happens on another machine
            await asyncio.sleep(self._seconds / 10)
        _log.info("leading as %s", self._identity)

    async def _keep_leading(self) -> None:
        """Until the Lease is lost. What is led is over before anybody else may take it: at two thirds of its time."""
        work = asyncio.ensure_future(self._lead())
        try:
            while not work.done():
                await asyncio.wait((work,), timeout=self._seconds / 4)
                if work.done() or not await self._still_ours():
                    break
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if not work.cancelled() and (error := work.exception()):
            raise error

    async def _still_ours(self) -> bool:
        if await self._try():
            return True
        left = self._renewed + self._seconds * 2 / 3 - _now()
        if self._held is not None and left > 0:
            return True
        _log.warning("the Lease is lost: another replica may take over")
        self._held = None
        return False

    async def _try(self) -> bool:
        """Take or renew it once. False when it is another's, or cannot be had now."""
        started = _now()
        try:
            async with asyncio.timeout(self._seconds / 4):
                held = await (self._kube.replace(self._spec(self._held)) if self._held else self._take())
        except ApiError as error:
            _log.debug("lease: %s", error)
            if error.status == 409:
                self._held = None
            return False
        except (Unreachable, TimeoutError) as error:
            _log.debug("lease: %s", error)
            return False
        if held is None:
            return False
        self._held, self._renewed = held, started
        return True

    async def _take(self) -> Object | None:
        lease = await self._kube.get(self._lease)
        if lease is None:
            return await self._kube.create(self._spec(None))
        self._sight = look(lease, self._sight, _now())
        if not may_take(self._sight, self._identity, _now()):
            return None
        return await self._kube.replace(self._spec(lease))

    async def _release(self) -> None:
        if self._held is None:
            return
        lease, self._held = self._held, None
        free = {**lease, "spec": {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}
        try:
            async with asyncio.timeout(self._seconds / 4):
                await self._kube.replace(free)
        except (ApiError, Unreachable, TimeoutError) as error:
            _log.warning("the Lease could not be given back: %s", error)

    def _spec(self, lease: Object | None) -> Object:
        spec: dict[str, Any] = (lease or {}).get("spec") or {}
        mine = spec.get("holderIdentity") == self._identity
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        metadata = (lease or {}).get("metadata") or {"name": self._lease.name, "namespace": self._lease.namespace}
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": metadata,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._seconds)),
                "acquireTime": spec.get("acquireTime", now) if mine else now,
                "renewTime": now,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if mine else 1),
            },
        }


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Asks an engine whether it is ready."""

from __future__ import annotations

import httpx


class Prober:
    """Health checks over loopback; never through a proxy that the environment names."""

    def __init__(self, timeout: float) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(trust_env=False, timeout=timeout, limits=limits)

    async def ready(self, address: str, path: str) -> bool:
        """Whether what listens at ``host:port`` answers 200 in time. Never raises."""
        try:
            response = await self._client.get(f"http://{address}{path}")
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()

"""What an engine is to serve, in terms that every engine understands. Pure: values only."""

from __future__ import annotations

from dataclasses import dataclass

HOST = "127.0.0.1"
"""Engines have no authentication of their own: they listen where only this machine reaches them."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One engine process: one Model, one replica.

    ``context_length`` is tokens per request, ``parallel`` requests at a time; ``gpu_layers`` None: the engine's choice.
    """

    alias: str
    weights: str
    port: int
    context_length: int
    parallel: int
    gpu_layers: int | None = None
    embeddings: bool = False
    args: tuple[str, ...] = ()

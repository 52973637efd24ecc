"""Names of what a Model owns. The same Model always gives the same names, so that nothing can be made twice. Pure."""

from __future__ import annotations

import hashlib

import orjson

_LONGEST = 63
"""A Service's name, and a Job's because it becomes a label."""


def child(model: str, suffix: str = "") -> str:
    """``model-<name><suffix>``: begins with a letter, as a Service must, and is cut with a hash when it is too long."""
    name = f"model-{model}{suffix}"
    if len(name) <= _LONGEST:
        return name
    cut = digest(model, 6)
    return f"model-{model[: _LONGEST - len('model--') - len(cut) - len(suffix)].rstrip('-')}-{cut}{suffix}"


def weights_claim(model: str) -> str:
    """The claim that keeps what was fetched for it."""
    return child(model, "-weights")


def weights_job(model: str, weights: str) -> str:
    """The Job that fetches the weights of that id."""
    return child(model, f"-weights-{weights[:8]}")


def digest(value: object, length: int = 16) -> str:
    """A short hash of any JSON value."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:length]

"""Who is told where files lie, and what an engine said: who runs it, and nobody else who can reach the port."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import cast

import pytest

from auriga_api.model import ModelStatus
from auriga_api.model_status import ENGINE_SAID
from auriga_cli.local.listen import is_private
from auriga_router.compile import compile as compile_table
from auriga_router.status import status_document, status_steps
from support.http_router import chain, model, snapshot

MESSAGES = {
    "lost": ("FileNotFound", "source.file.path: /home/me/a.gguf is gone", "source.file.path: (path) is gone"),
    "poor": ("EngineCrashed", f"it ended with 3{ENGINE_SAID}secret plans", "it ended with 3"),
}


def failed(name: str) -> ModelStatus:
    reason, message, _ = MESSAGES[name]
    ready = {"type": "Ready", "status": "False", "reason": reason, "message": message}
    return ModelStatus.model_validate({"phase": "Failed", "conditions": [ready]})


@pytest.mark.parametrize("private", [False, True])
def test_status_tells_callers_the_reason_and_the_advice(private: bool) -> None:
    models = [model(name).model_copy(update={"status": failed(name)}) for name in MESSAGES]
    state = replace(snapshot(*models, chain("role", *MESSAGES)), private=private)
    table = compile_table(state)
    document = status_document(state, table, 0.0)
    assert document == json.loads(b"".join(status_steps(state, table, 0.0)))
    for told in document["models"]:
        reason, whole, public = MESSAGES[told["name"]]
        assert (told["reason"], told["message"]) == (reason, whole if private else public)
    assert ("/home/me" in json.dumps(document)) is private


class Bound:
    """A socket, as far as it is asked."""

    def __init__(self, *name: str | int) -> None:
        self.getsockname = lambda: name


@pytest.mark.parametrize(
    ("address", "private"),
    [("127.0.0.1", True), ("127.0.0.53", True), ("::1", True), ("0.0.0.0", False), ("::", False), ("10.0.0.7", False)],
)
def test_only_what_listens_on_the_loopback_is_out_of_reach_for_others(address: str, private: bool) -> None:
    assert is_private(cast("socket.socket", Bound(address, 8080))) is private

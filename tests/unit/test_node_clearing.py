"""A node's pods are removed by containerd, which refuses that for a while after it has begun to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.node import node as module
from e2e.node.node import Node
from support.kube.processes import Program, ProgramError

NOT_YET = """#!/bin/sh
echo try >> "$0.tries"
test "$(wc -l < "$0.tries")" -ge 3 || { echo 'server is not initialized yet' >&2; exit 1; }
"""
Runs = Callable[..., Node]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """A node whose containerd is that command; nothing of it touches the machine."""
    monkeypatch.setattr(module, "require", lambda: tmp_path)
    started: list[Program] = []

    def make(*command: str) -> Node:
        node = Node(tmp_path)
        node.plane.binaries = tmp_path
        (tmp_path / "remove-pods").write_text(NOT_YET)
        (tmp_path / "remove-pods").chmod(0o755)
        node._programs["containerd"] = Program("containerd", command, tmp_path / "containerd.log")
        started.append(node._programs["containerd"])
        return node

    yield make
    for program in started:
        program.stop(grace=0)


def test_it_is_tried_until_containerd_takes_it(node: Runs, tmp_path: Path) -> None:
    node("sleep", "60")._remove_pods()
    assert len((tmp_path / "remove-pods.tries").read_text().split()) == 3


def test_a_containerd_that_ends_is_named_with_its_last_words(node: Runs) -> None:
    broken = node("sh", "-c", "echo no space left on device")
    broken._programs["containerd"]._process.wait(10)
    with pytest.raises(ProgramError, match=r"containerd ended before removal of all pods:\nno space left on device"):
        broken._remove_pods()

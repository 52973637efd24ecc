"""Whether weights go to a GPU: the engine's own word counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from auriga_cli.engines.engine import llama_server, xllamacpp
from auriga_cli.engines.gpu import offloads, yes

CUDA = "Available devices:\n  CUDA0: NVIDIA H200 (143771 MiB, 143283 MiB free)\n"


@pytest.mark.parametrize(
    ("answer", "found"),
    [(CUDA, True), ("Available devices:\n  (none)\n", False), ("Available devices:\n", False), ("True\n", True),
     ("False\n", False), ("some warning\nTrue\n", True), ("", False)],
)  # fmt: skip
def test_answers(answer: str, found: bool) -> None:
    assert yes(answer) is found


def program(folder: Path, script: str) -> Path:
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_binary_is_asked_for_its_devices(tmp_path: Path) -> None:
    device = str(tmp_path)
    with_gpu = program(tmp_path, f'test "$1" = --list-devices && printf "{CUDA!s}"'.replace("\n", "\\n"))
    assert offloads(llama_server(str(with_gpu)), [device])
    assert not offloads(llama_server(str(with_gpu)), ["/no/such/device"]), "no device, no question"
    assert offloads(llama_server("/no/such/program"), [device]), "no answer: rather no check than a wrong one"


def test_the_wheel_of_this_environment_has_no_gpu_code(tmp_path: Path) -> None:
    """So a machine with a GPU still serves from its own memory, and that is what is checked."""
    assert not offloads(xllamacpp(), [str(tmp_path)])

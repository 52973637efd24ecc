"""Whether weights go to a GPU: the engine's own word counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from auriga_cli.engines.engine import llama_server, xllamacpp
from auriga_cli.engines.gpu import Gpus, gpus, read

CUDA = "Available devices:\n  CUDA0: NVIDIA H200 (143771 MiB, 143283 MiB free)\n"


@pytest.mark.parametrize(
    ("answer", "found"),
    [(CUDA, Gpus(143283 << 20)), (CUDA + "  CUDA1: NVIDIA H200 (143771 MiB, 1000 MiB free)\n", Gpus(144283 << 20)),
     ("Available devices:\n  (none)\n", None), ("  ROCm0: AMD (16368 MiB)\n", Gpus(None)),
     ("Available devices:\n", None), ("True\n", Gpus(None)),
     ("False\n", None), ("some warning\nTrue\n", Gpus(None)), ("", None)],
)  # fmt: skip
def test_answers(answer: str, found: Gpus | None) -> None:
    assert read(answer) == found


def program(folder: Path, script: str) -> Path:
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_binary_is_asked_for_its_devices(tmp_path: Path) -> None:
    device = str(tmp_path)
    with_gpu = program(tmp_path, f'test "$1" = --list-devices && printf "{CUDA!s}"'.replace("\n", "\\n"))
    assert gpus(llama_server(str(with_gpu)), [device]) == Gpus(143283 << 20)
    assert gpus(llama_server(str(with_gpu)), ["/no/such/device"]) is None, "no device, no question"
    assert gpus(llama_server("/no/such/program"), [device]) == Gpus(None), "rather no check than a wrong one"


def test_the_wheel_of_this_environment_has_no_gpu_code(tmp_path: Path) -> None:
    """So a machine with a GPU still serves from its own memory, and that is what is checked."""
    assert gpus(xllamacpp(), [str(tmp_path)]) is None

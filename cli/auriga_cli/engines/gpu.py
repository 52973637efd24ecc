"""Whether an engine puts weights into a GPU's own memory on this machine: the build decides, not only the hardware."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

from auriga_cli.engines.engine import Engine

DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""NVIDIA, AMD, Windows' subsystem for Linux. Apple's GPUs share the machine's own memory, so they do not count."""

_LIMIT = 60.0
"""Seconds for the answer: a driver may take a while to wake up."""

_XLLAMACPP = """
import xllamacpp
gpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU
print(any(device["type"] == gpu for device in xllamacpp.get_device_info()))
"""
_LLAMA_CPP_PYTHON = "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())"


def offloads(engine: Engine, devices: Sequence[str] = DEVICES) -> bool:
    """Whether it would, as it says itself; it is asked only if one of ``devices`` is there. Never raises."""
    if not any(os.path.exists(device) for device in devices):
        return False
    try:
        asked = subprocess.run(_question(engine), capture_output=True, text=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return True  # there is a GPU: rather no check of the machine's memory than a wrong one
    return yes(asked.stdout)


def yes(answer: str) -> bool:
    """Whether an answer names a GPU: ``True``, or a line of ``llama-server --list-devices`` with a device's memory."""
    return any(line == "True" or re.match(r"\s+\w+: .+ MiB", line) for line in answer.splitlines())


def _question(engine: Engine) -> list[str]:
    if engine.kind == "llama-server":
        return [*engine.program, "--list-devices"]
    return [sys.executable, "-c", _XLLAMACPP if engine.kind == "xllamacpp" else _LLAMA_CPP_PYTHON]

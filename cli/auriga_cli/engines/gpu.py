"""Whether an engine puts weights into GPUs' own memory on this machine, and how much of that there is.

The build decides, not only the hardware: so it is the engine that is asked.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from auriga_cli.engines.engine import Engine

DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""NVIDIA, AMD, Windows' subsystem for Linux. Apple's GPUs share the machine's own memory, so they do not count."""

_LIMIT = 60.0
"""Seconds for the answer: a driver may take a while to wake up."""

_FREE = re.compile(r"\(\d+ MiB, (\d+) MiB free\)")

_XLLAMACPP = """
import xllamacpp
gpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_GPU
for device in xllamacpp.get_device_info():
    if device["type"] == gpu:
        total, free = (device[key] >> 20 for key in ("memory_total", "memory_free"))
        print(f"  {device['name']}: {device['description']} ({total} MiB, {free} MiB free)")
"""
_LLAMA_CPP_PYTHON = "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())"


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that an engine uses."""

    memory: int | None
    """Bytes that are free on all of them together; None: unknown."""


def gpus(engine: Engine, devices: Sequence[str] = DEVICES) -> Gpus | None:
    """Those that it uses, as it says itself; it is asked only if one of ``devices`` is there. Never raises."""
    if not any(os.path.exists(device) for device in devices):
        return None
    try:
        asked = subprocess.run(_question(engine), capture_output=True, text=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return Gpus(None)  # there is a GPU: rather no check of the machine's memory than a wrong one
    return read(asked.stdout)


def read(answer: str) -> Gpus | None:
    """What an answer says: ``True``, or lines of ``llama-server --list-devices`` with each device's memory."""
    lines = answer.splitlines()
    devices = [line for line in lines if re.match(r"\s+\w+: .+ MiB", line)]
    free = [int(found[1]) << 20 for line in devices if (found := _FREE.search(line))]
    if devices:
        return Gpus(sum(free) if len(free) == len(devices) else None)
    return Gpus(None) if "True" in lines else None


def _question(engine: Engine) -> list[str]:
    if engine.kind == "llama-server":
        return [*engine.program, "--list-devices"]
    return [sys.executable, "-c", _XLLAMACPP if engine.kind == "xllamacpp" else _LLAMA_CPP_PYTHON]

"""A standard output that nobody reads, or that is closed or full: answers go on, and the process ends when told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from test_router_process import MANIFEST, _ask, _line

from support import upstreams_scripts as scripts
from support.upstreams import Upstream


def _stalled() -> int:
    """A pipe that is full, and that nobody reads."""
    _, end = os.pipe()
    os.set_blocking(end, False)
    try:
        while True:
            os.write(end, bytes(4096))
    except BlockingIOError:
        os.set_blocking(end, True)
    return end


def _broken() -> int:
    reader, end = os.pipe()
    os.close(reader)
    return end


OUTPUTS = {"stalled": _stalled, "broken": _broken}
if os.path.exists("/dev/full"):
    OUTPUTS["full"] = lambda: os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("kind", OUTPUTS)
async def test_answers_go_on_and_the_process_ends(kind: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AURIGA_", "KUBE"))}
    output = OUTPUTS[kind]()
    async with Upstream(scripts.ok) as upstream:
        (tmp_path / "models.yaml").write_text(MANIFEST.format(name="first", address=upstream.address))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "auriga_router", "--port", "0", "-f", str(tmp_path)),
            stdout=output, stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        try:
            address = await _line(process, r"listening on (\S+)")
            for _ in range(3):
                assert await _ask(address) == "first"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                _, told = await process.communicate()
            assert process.returncode == 0
            assert b"Traceback" not in told
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            os.close(output)

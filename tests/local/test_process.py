"""Child processes: their output, their end, and what never shows in what they print."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from auriga_cli.local import process
from support.engines import alive, until


async def start(code: str, **options: object) -> process.Child:
    return await process.start([sys.executable, "-c", code], os.environ, **options)  # type: ignore[arg-type]


async def test_the_last_lines_are_kept_and_all_of_them_logged(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "m.log"
    child = await start("for n in range(80): print('line', n)", log=log)
    assert await child.ended == 0
    assert list(child.tail) == [f"line {number}" for number in range(30, 80)]
    assert log.read_text().splitlines() == [f"line {number}" for number in range(80)]
    assert log.stat().st_mode & 0o777 == 0o600


async def test_output_and_errors_come_in_order() -> None:
    child = await start(
        "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); print('three')"
    )
    await child.ended
    assert list(child.tail) == ["one", "two", "three"]


async def test_secrets_do_not_show(tmp_path: Path) -> None:
    child = await start("print('key=sesame, open sesame')", log=tmp_path / "log", secrets=["sesame", "", "k"])
    await child.ended
    assert list(child.tail) == ["key=***, open ***"]
    assert "sesame" not in (tmp_path / "log").read_text()


async def test_a_line_without_end_is_cut() -> None:
    child = await start("import sys; sys.stdout.write('x' * 300_000)")
    await child.ended
    assert sum(map(len, child.tail)) == 300_000
    assert max(map(len, child.tail)) < 200_000


async def test_events_go_to_who_asked_for_them() -> None:
    lines: list[str] = []
    child = await start(
        "import sys; print(input()); print('noise', file=sys.stderr)", on_line=lines.append, hold_stdin=True
    )
    child.send("question\n")
    await child.ended
    assert lines == ["question"]
    assert list(child.tail) == ["noise"]


async def test_what_ignores_a_polite_signal_is_killed() -> None:
    ready = asyncio.Event()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    child = await start(code, on_line=lambda _: ready.set())
    await ready.wait()
    await child.stop(grace=0.05)
    assert await child.ended == -signal.SIGKILL


async def test_its_own_children_are_ended_with_it() -> None:
    """A wrapper script that starts llama-server without exec."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    child = await start(code, on_line=lines.put_nowait)
    grandchild = int(await lines.get())
    await child.stop(grace=5)
    until(lambda: not alive(grandchild))  # told with the others; the kernel ends it a moment later


async def test_what_it_leaves_behind_is_ended_too() -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    code = "import subprocess; print(subprocess.Popen(['sleep', '1000']).pid, flush=True)"
    child = await start(code, on_line=lines.put_nowait)
    left = int(await lines.get())
    assert await child.ended == 0
    until(lambda: not alive(left))


async def test_a_rest_that_holds_the_output_open_does_not_hold_us() -> None:
    code = "import subprocess, os; p = subprocess.Popen(['sleep', '1000'], start_new_session=True); print(p.pid)"
    child = await start(code)
    assert await child.ended == 0
    os.kill(int(child.tail[0]), signal.SIGKILL)


async def test_a_signal_after_the_end_reaches_nobody() -> None:
    child = await start("")
    await child.ended
    child.kill()
    await child.stop(grace=1)


async def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="No such file"):
        await process.start(["/no/such/program"], os.environ)

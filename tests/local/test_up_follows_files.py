"""Files are followed: what changed is changed, what did not is left alone, and no stream is cut."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from support.engines import StartUp, Up, alive, chain, fake, fake_engine, model, until
from support.gguf_files import tiny_gguf

STREAMS = 20


def write(tmp_path: Path, text: str) -> None:
    """As an editor saves: a new file under the old name."""
    new = tmp_path / "manifests.yaml.new"
    new.write_text(text)
    new.replace(tmp_path / "manifests.yaml")


def test_a_change_of_a_model_restarts_only_that_model(up: StartUp, tmp_path: Path) -> None:
    running = up(model("one") + model("two") + chain("assistant", "one", "two"))
    running.line("^one: ready")
    running.line("^two: ready")
    running.line("^Auriga serves .*: assistant, one, two$")
    before = running.engines()

    write(tmp_path, model("one", parallel=3) + model("two") + chain("assistant", "two", "one"))
    until(lambda: running.engines().get("one") not in (None, before["one"]) and not alive(before["one"]))
    assert running.engines()["two"] == before["two"]
    assert "3 requests at a time" in running.phase("one", "Ready")["message"]
    running.line("^edit taken: Model one changed, RoleChain assistant changed$")


def test_the_old_engine_serves_until_the_new_one_is_ready(up: StartUp, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    env = f'env: [{{name: FAKE_GATE, value: "{gate}"}}]'
    running = up(fake("one", "serve"), fake=True)
    running.line("^one: ready")
    before = running.engines()["one"]

    write(tmp_path, fake("one", "late", engine=env))
    running.line("^one: ready .*the earlier version serves until the new one is ready")
    assert running.chat("one").status_code == 200
    assert alive(before)
    gate.touch()
    until(lambda: not alive(before))
    assert running.chat("one").status_code == 200
    assert running.engines()["one"] != before


def test_without_room_for_both_the_old_engine_goes_first(up: StartUp, tmp_path: Path) -> None:
    running = up(fake("one", "serve"), "--memory-limit", "100Mi", fake=True)
    running.line("^one: ready")
    before = running.engines()["one"]
    write(tmp_path, fake("one", "serve", engine="gpuLayers: 0"))
    running.line("^one: ready", count=2)
    assert not alive(before)
    assert running.chat("one").status_code == 200


def test_a_change_for_the_worse_leaves_the_old_engine_serving(up: StartUp, tmp_path: Path) -> None:
    running = up(fake("one", "serve"), fake=True)
    running.line("^one: ready")
    before = running.engines()["one"]
    write(tmp_path, fake("one", "crash"))
    running.line("^one: degraded .EngineCrashed.*an earlier version serves; the engine ended with exit status 3")
    assert running.chat("one").status_code == 200
    assert alive(before)
    write(tmp_path, fake("one", "serve"))
    running.line("^one: ready", count=2)
    assert alive(before), "back to what it was: nothing to restart"


def test_models_come_and_go(up: StartUp, tmp_path: Path) -> None:
    running = up(fake("one", "serve"), fake=True)
    running.line("^one: ready")
    pid = running.engines()["one"]
    write(tmp_path, fake("two", "serve"))
    running.line("^one: removed")
    running.line("^two: ready")
    until(lambda: not alive(pid))
    assert running.chat("one").status_code == 404
    assert running.chat("two").status_code == 200


def test_a_broken_edit_is_told_and_keeps_the_last_good_state(up: StartUp, tmp_path: Path) -> None:
    good = fake("one", "serve") + chain("assistant", "one")
    running = up(good, fake=True)
    running.line("^one: ready")
    pid = running.engines()["one"]
    write(tmp_path, good.replace("members: [", "members: [{model"))
    running.line(r"manifests\.yaml:\d+: error: ")
    running.line("^the last good state of what is broken goes on serving")
    assert running.chat("assistant").status_code == 200
    assert running.engines() == {"one": pid}
    write(tmp_path, good + chain("second", "one"))
    until(lambda: running.chat("second").status_code == 200)


async def test_a_chain_edit_routes_at_once_and_cuts_none_of_twenty_streams(up: StartUp, tmp_path: Path) -> None:
    weights = tiny_gguf(tmp_path / "tiny.gguf")
    one_core = 'args: [--threads, "1"]'  # the rest of the machine is for the router, and for us
    models = model("old", weights, parallel=STREAMS, engine=one_core) + model("new", weights)
    running = up(models + chain("assistant", "old", "new"))
    await asyncio.to_thread(running.line, "^new: ready")
    await asyncio.to_thread(running.line, "^old: ready")
    before = running.engines()

    changed = asyncio.Event()
    streams = [Stream(running, changed) for _ in range(STREAMS)]
    tasks = [asyncio.create_task(stream.run()) for stream in streams]
    await asyncio.gather(*(stream.flows.wait() for stream in streams))

    write(tmp_path, models + chain("assistant", "new", "old"))
    seconds = await asyncio.to_thread(_until_routed_to, running, "new")
    flowing = sum(stream.within for stream in streams)
    changed.set()
    await asyncio.gather(*tasks)

    assert seconds < 5, "a second, on a machine that does nothing else"
    assert running.chat("assistant", max_tokens=1).headers["x-auriga-model"] == "new"
    assert flowing, "some were in the middle of an answer"
    assert sum(stream.ended for stream in streams) >= STREAMS
    assert running.engines() == before, "a RoleChain restarts nothing"


class Stream:
    """Streams one long answer after the other, until something has changed."""

    def __init__(self, up: Up, changed: asyncio.Event) -> None:
        self.flows = asyncio.Event()
        self.within = False
        self.ended = 0
        self._client = AsyncOpenAI(base_url=f"{up.url}/v1", api_key="unused", max_retries=0)
        self._changed = changed

    async def run(self) -> None:
        while not self._changed.is_set():
            await self._one()

    async def _one(self) -> None:
        finish = None
        stream = await self._client.chat.completions.create(
            model="assistant", stream=True, max_tokens=300, messages=[{"role": "user", "content": "Go on"}]
        )
        async for chunk in stream:
            self.within = True
            self.flows.set()
            finish = chunk.choices[0].finish_reason if chunk.choices else finish
        self.within = False
        assert finish in ("stop", "length"), "it ended as a whole answer ends"
        self.ended += 1


def _until_routed_to(running: Up, name: str) -> float:
    start = time.monotonic()
    until(lambda: running.get("/status").json()["roleChains"][0]["activeMember"] == name)
    return time.monotonic() - start


@pytest.mark.parametrize("what", ["folder", "two files"])
def test_folders_and_several_files(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "models.yaml").write_text(fake("one", "serve"))
    (folder / "chains.yaml").write_text(chain("assistant", "one"))
    files = [folder] if what == "folder" else [folder / "models.yaml", folder / "chains.yaml"]
    with Up(*files, cache=tmp_path, args=["--engine", str(fake_engine(tmp_path))]) as running:
        running.line("^one: ready")
        assert running.chat("assistant").status_code == 200

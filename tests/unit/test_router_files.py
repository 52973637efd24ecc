"""Manifest files as a source: read, watched, and never worse than their last good state."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from watchfiles import Change

from auriga_api.manifests import Manifests
from auriga_api.model import ModelStatus
from auriga_router.sources.files import FileSource, snapshot

MODEL = """
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec: {{source: {{file: {{path: weights.gguf}}}}}}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {api: sk-1}\n"


def names(manifests: Manifests) -> list[str]:
    return sorted(manifests.models)


@asynccontextmanager
async def following(source: FileSource) -> AsyncIterator[asyncio.Queue[Manifests]]:
    """What the source tells, once it watches."""
    told: asyncio.Queue[Manifests] = asyncio.Queue()

    async def follow() -> None:
        async for manifests in source.changes():
            told.put_nowait(manifests)

    task = asyncio.create_task(follow())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _next(told: asyncio.Queue[Manifests]) -> Manifests:
    async with asyncio.timeout(60):
        return await told.get()


def test_a_directory_gives_its_own_yaml_files_and_a_file_itself(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL.format(name="a"))
    (tmp_path / "b.yml").write_text(MODEL.format(name="b"))
    (tmp_path / ".hidden.yaml").write_text(MODEL.format(name="hidden"))
    (tmp_path / "notes.txt").write_text("no manifest")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.yaml").write_text(MODEL.format(name="c"))
    loaded = FileSource([tmp_path, tmp_path / "deeper" / "c.yaml"]).load()
    assert (names(loaded), loaded.problems) == (["default/a", "default/b", "default/c"], ())


def test_what_cannot_be_read_is_a_problem_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    missing = tmp_path / "missing.yaml"
    loaded = FileSource([tmp_path, missing]).load()
    told = [str(problem) for problem in loaded.errors]
    assert any("binary.yaml" in line and "not UTF-8" in line for line in told)
    assert any("missing.yaml" in line and "no such file" in line for line in told)


async def test_changes_are_told_whatever_way_a_file_is_written(tmp_path: Path) -> None:
    manifest = tmp_path / "a.yaml"
    manifest.write_text(MODEL.format(name="a"))
    source = FileSource([manifest])
    source.load()
    async with following(source) as told:
        manifest.write_text(MODEL.format(name="written"))
        assert names(await _next(told)) == ["default/written"]
        (tmp_path / "new").write_text(MODEL.format(name="renamed"))
        (tmp_path / "new").rename(manifest)  # as editors save
        assert names(await _next(told)) == ["default/renamed"]


@pytest.mark.parametrize(
    ("name", "concerned"),
    [
        ("new.yaml", True), ("new.yml", True), ("new.json", True), ("models", True), ("..data", True),
        ("router.log", False), ("router.yaml.log", False), ("notes", False),
    ],
)  # fmt: skip
def test_only_manifests_have_the_folder_read_again(tmp_path: Path, name: str, concerned: bool) -> None:
    source = FileSource([tmp_path, tmp_path / "models"])
    assert source._concerned(Change.modified, str(tmp_path / name)) is concerned


async def test_a_mounted_config_map_that_changes_as_a_whole_is_seen(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "a.yaml").write_text(MODEL.format(name=f"version-{number}"))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    source = FileSource([tmp_path])
    assert names(source.load()) == ["default/version-1"]
    async with following(source) as told:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        assert names(await _next(told)) == ["default/version-2"]


async def test_a_change_before_watching_began_is_not_missed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL.format(name="a"))
    source = FileSource([tmp_path])
    source.load()
    (tmp_path / "a.yaml").write_text(MODEL.format(name="b"))
    async with following(source) as told:
        assert names(await _next(told)) == ["default/b"]


async def test_a_broken_edit_keeps_the_last_good_objects_of_that_file_only(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(MODEL.format(name="a"))
    second.write_text(MODEL.format(name="b"))
    source = FileSource([tmp_path])
    source.load()
    async with following(source) as told:
        first.write_text("kind: [")
        broken = await _next(told)
        assert names(broken) == ["default/a", "default/b"]
        assert [Path(problem.file).name for problem in broken.errors] == ["a.yaml"]
        second.write_text(MODEL.format(name="c"))
        assert names(await _next(told)) == ["default/a", "default/c"]
        first.unlink()
        mended = await _next(told)
        assert (names(mended), mended.errors) == (["default/c"], ())


def test_what_an_edit_does_not_touch_stays_the_very_object(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL.format(name="a"))
    source = FileSource([tmp_path])
    before = source.load()
    (tmp_path / "b.yaml").write_text(MODEL.format(name="b"))
    now = source.load()
    assert names(now) == ["default/a", "default/b"]
    assert now.models["default/a"] is before.models["default/a"]


def test_a_folder_that_is_gone_keeps_what_it_held(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / "a.yaml").write_text(MODEL.format(name="a"))
    source = FileSource([folder])
    source.load()
    folder.rename(tmp_path / "away")
    gone = source.load()
    assert names(gone) == ["default/a"]
    assert [(problem.file, problem.message) for problem in gone.problems] == [(str(folder), "no such file")]
    (tmp_path / "away").rename(folder)
    (folder / "a.yaml").unlink()
    assert names(source.load()) == []


def test_a_snapshot_has_models_with_status_chains_secrets_and_endpoints(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MODEL.format(name="a") + "---" + MODEL.format(name="b") + "---\n" + SECRET)
    loaded = FileSource([tmp_path]).load()
    taken = snapshot(loaded, {"default/a": ("127.0.0.1:1",)}, {"default/a": ModelStatus(phase="Ready")})
    assert taken.models["default/a"].status == ModelStatus(phase="Ready")
    assert taken.models["default/b"].status is None
    assert taken.endpoints == {"default/a": ("127.0.0.1:1",)}
    assert taken.secrets["default/keys"]["api"] == b"sk-1"
    assert "sk-1" not in repr(taken) + repr(loaded)


def test_a_folder_without_manifests_is_told_of_and_holds_nothing_back(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    source = FileSource([tmp_path])
    (problem,) = source.load().problems
    assert (problem.severity, problem.file) == ("warning", str(tmp_path))
    assert "holds no manifests: files that end in .yaml" in problem.message
    file = tmp_path / "m.yaml"
    file.write_text("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: b}}")
    assert source.load().secrets
    assert not source.load().problems
    file.unlink()
    assert not source.load().secrets, "what was removed is gone"


def test_what_is_not_a_regular_file_is_not_read(tmp_path: Path) -> None:
    """A FIFO would keep the reader until somebody writes: then no change was seen any more, and nothing ended."""
    (tmp_path / "a.yaml").write_text(MODEL.format(name="a"))
    os.mkfifo(tmp_path / "b.yaml")
    loaded = FileSource([tmp_path]).load()
    (problem,) = loaded.problems
    assert (names(loaded), problem.severity) == (["default/a"], "warning")
    assert "regular file" in str(problem)
    assert str(tmp_path / "b.yaml") in str(problem)
    (problem,) = FileSource([tmp_path / "b.yaml"]).load().problems
    assert problem.severity == "error"

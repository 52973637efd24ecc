"""Weights that are here already, and disks that are full."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from auriga_operator.weights import disk, gguf_header
from auriga_operator.weights.digest import Digest
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.verified import Verified
from support.gguf_files import tiny_gguf
from support.hub import FakeHub
from support.weights import Weights


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def weights(hub: FakeHub, tmp_path: Path) -> Weights:
    return Weights(hub, tmp_path / "cache")


def failure(weights: Weights, path: str, base: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        weights.fetch({"file": {"path": path}}, base=base)
    assert "\n" not in caught.value.message
    return caught.value


def test_a_path_starts_from_the_manifest(weights: Weights, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    path = tiny_gguf(tmp_path / "models" / "tiny-Q8_0.gguf")
    done = weights.fetch({"file": {"path": "models/tiny-Q8_0.gguf"}}, base=tmp_path)
    assert done.path == str(path)
    assert (done.artifact.file, done.artifact.quantization, done.artifact.sha256) == ("tiny-Q8_0.gguf", "Q8_0", "")
    assert done.artifact.vram_required == path.stat().st_size + 2048 * 2 * 4 * 32 * 2
    assert weights.resolved[0].artifact.size_bytes == path.stat().st_size
    assert not weights.cache.exists()


def test_a_name_without_quantization_leaves_it_to_the_header(weights: Weights, tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "tiny.gguf")
    assert weights.fetch({"file": {"path": "tiny.gguf"}}, base=tmp_path).artifact.quantization == "F32"


def test_any_part_of_several_stands_for_all(weights: Weights, tmp_path: Path) -> None:
    first = tiny_gguf(tmp_path / "tiny.gguf", shards=3)
    done = weights.fetch({"file": {"path": "tiny-00002-of-00003.gguf"}}, base=tmp_path)
    assert done.path == str(first)
    assert done.artifact.size_bytes == sum(path.stat().st_size for path in tmp_path.glob("tiny-*"))
    (tmp_path / "tiny-00003-of-00003.gguf").unlink()
    error = failure(weights, "tiny-00001-of-00003.gguf", tmp_path)
    assert error.reason is Reason.FILE_NOT_FOUND
    assert "tiny-00003-of-00003.gguf, a part of tiny-00001-of-00003.gguf, is not there" in error.message


def test_a_missing_file_lists_what_lies_there(weights: Weights, tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "right.gguf")
    error = failure(weights, "wrong.gguf", tmp_path)
    assert error.reason is Reason.FILE_NOT_FOUND
    assert f"{tmp_path}/wrong.gguf is not there; GGUF files in {tmp_path}: right.gguf (521.0 kB)" in error.message
    assert "there is no folder" in failure(weights, "no/such/model.gguf", tmp_path).message
    (tmp_path / "empty").mkdir()
    assert "holds no GGUF files" in failure(weights, "empty/model.gguf", tmp_path).message


def test_a_folder_is_no_file(weights: Weights, tmp_path: Path) -> None:
    tiny_gguf(tmp_path / "a.gguf")
    error = failure(weights, str(tmp_path), Path())
    assert error.reason is Reason.NO_SUITABLE_FILE
    assert "a.gguf" in error.message


def test_too_little_space_is_said_before_anything_is_downloaded(
    weights: Weights, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/tiny", {"a-Q8_0.gguf": bytes(3_000_000)})
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1_000_000)
    with pytest.raises(WeightsError) as caught:
        weights.from_hub()
    assert caught.value.reason is Reason.DISK_FULL
    assert caught.value.message == (
        f"no space for the weights in {weights.cache}/hub: 3.0 MB more are needed and 1.0 MB are free; "
        "free some, or use a larger cache"
    )
    assert hub.of("storage") == []
    with pytest.raises(WeightsError, match="no space for the weights"):
        weights.fetch({"url": {"url": hub.page("big.gguf", bytes(3_000_000))}})


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_every_way_of_being_full_is_full(tmp_path: Path, number: int) -> None:
    assert disk.refused(tmp_path / "not" / "yet", OSError(number, "x"), 5).reason is Reason.DISK_FULL


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_cache_without_permission_names_the_file_and_the_user(tmp_path: Path, number: int) -> None:
    error = disk.refused(tmp_path, OSError(number, os.strerror(number), str(tmp_path / "hub" / "x")))
    assert error.reason is Reason.PERMISSION_DENIED
    assert error.message.startswith(
        f"{tmp_path}/hub/x, in the weights' cache {tmp_path}, may not be written by the user "
    )
    assert os.strerror(number) in error.message


def test_a_file_of_the_users_own_without_permission_is_no_trouble_of_the_cache(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF")

    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(gguf_header, "read", denied)  # root, who runs tests in containers, may read anything
    with pytest.raises(WeightsError) as caught:
        Weights(hub, tmp_path / "cache").fetch({"file": {"path": str(file)}})
    assert caught.value.reason is Reason.PERMISSION_DENIED
    assert caught.value.message.startswith(f"source.file.path: {file} cannot be read: Permission denied; let the user ")


def test_other_refusals_name_the_folder(tmp_path: Path) -> None:
    error = disk.refused(tmp_path, OSError(errno.EIO, os.strerror(errno.EIO)))
    assert error.reason is Reason.FAILED
    assert error.message == f"{tmp_path}, in the weights' cache {tmp_path}, cannot be used: Input/output error"


def test_a_cache_that_cannot_be_made(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    hub.add("org/tiny", {"a-Q8_0.gguf": bytes(3000)})
    with pytest.raises(WeightsError, match=r"in the weights' cache .* cannot be used: Not a directory"):
        Weights(hub, tmp_path / "file" / "cache").from_hub()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_still_takes_weights(
    weights: Weights,
    hub: FakeHub,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    content = tiny_gguf(weights.cache.with_name("tiny.gguf")).read_bytes()
    hub.add("org/tiny", {"a-Q8_0.gguf": content})
    assert Path(weights.from_hub().path).read_bytes() == content
    assert "cannot be locked" in caplog.text


def test_verified_is_forgotten_when_the_file_changes(tmp_path: Path) -> None:
    path, wanted = tmp_path / "m.gguf", Digest("sha256", "a" * 64)
    path.write_bytes(b"one")
    verified = Verified(tmp_path / "verified")
    assert not verified.knows(wanted, path)
    verified.remember(wanted, path)
    assert verified.knows(wanted, path)
    assert not verified.knows(Digest("sha256", "b" * 64), path)
    os.utime(path, ns=(0, 1))
    assert not verified.knows(wanted, path)

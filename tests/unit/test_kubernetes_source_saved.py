"""The saved snapshot: written whole, read whole or not at all, and without Secrets on a disk."""

from pathlib import Path

import pytest

from auriga_router.snapshot import Snapshot
from auriga_router.sources.kubernetes import saved
from auriga_router.sources.kubernetes.saved import Saved, in_memory, lines, read
from support.http_router import chain, model

SNAPSHOT = Snapshot(
    models={"default/m": model("m", tags=["x"])},
    chains={"default/c": chain("c", "m")},
    secrets={"default/s": {"token": b"sk-hidden"}},
    endpoints={"default/m": ("10.0.0.1:8080",)},
)
MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /state tmpfs rw 0 0
/dev/vdb /state/disk ext4 rw 0 0
tmpfs /with\\040space tmpfs rw 0 0
overlay /twice overlay rw 0 0
tmpfs /twice tmpfs rw 0 0
"""


def modes(folder: Path) -> list[int]:
    return [file.stat().st_mode & 0o777 for file in folder.iterdir()]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/state", True),
        ("/state/a/b", True),
        ("/state/disk", False),
        ("/statement", False),
        ("/etc", False),
        ("/with space", True),
        ("/twice", True),
    ],
)
def test_memory_is_told_from_disk_by_the_nearest_mount(folder: str, expected: bool) -> None:
    assert in_memory(Path(folder), MOUNTS) is expected


@pytest.mark.parametrize(
    "text",
    [
        [],
        [b'{"auriga":"snapshot","version":2}\n'],
        list(lines(SNAPSHOT, secrets=True))[:-1],
        [*list(lines(SNAPSHOT, secrets=True))[:-1], b'{"surprise":1}\n'],
        [*list(lines(SNAPSHOT, secrets=True))[:-1], b'{"model":{"metadata":{"name":"a"},"spec":{}}}\n'],
        [*list(lines(SNAPSHOT, secrets=True))[:2], b'{"model":{"meta'],
    ],
    ids=["empty", "another version", "no end", "unknown", "invalid", "cut"],
)
def test_anything_but_a_whole_file_is_refused(text: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


async def test_what_was_saved_is_there_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "in_memory", lambda *_: True)
    first = Saved(tmp_path)
    assert first.load() is None
    first.save(Snapshot())
    first.save(SNAPSHOT)
    await first.flush()
    assert Saved(tmp_path).load() == SNAPSHOT
    assert modes(tmp_path) == [0o600]


async def test_secrets_do_not_reach_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "in_memory", lambda *_: False)
    keeper = Saved(tmp_path)
    keeper.save(SNAPSHOT)
    await keeper.flush()
    found = keeper.load()
    assert found
    assert (dict(found.models), dict(found.secrets)) == (SNAPSHOT.models, {})
    assert b"sk-hidden" not in (tmp_path / "snapshot.jsonl").read_bytes()


async def test_trouble_with_the_folder_is_told_and_routing_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Saved(tmp_path / "missing")
    keeper.save(SNAPSHOT)
    await keeper.flush()
    assert "a restart without an API server would find an older one" in caplog.text


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(b"\x00")
    assert Saved(tmp_path).load() is None
    assert "starting without it" in caplog.text

"""What an engine will need, what there is, and how the system's own figures are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from auriga_api.model import Artifact
from auriga_cli.local import machine
from auriga_cli.local.memory import context_length, human_size, need
from auriga_cli.local.state import Memory, Wanted, WeightsRequest

WANTED = Wanted("default/m", "m", 1, WeightsRequest("w", {}, "/", 1, 1), "r")
GIB = 1 << 30


@pytest.mark.parametrize(
    ("trained", "written", "tokens"),
    [(131_072, None, 8192), (1024, None, 1024), (0, None, 8192), (1024, 4096, 4096), (131_072, 65_536, 65_536)],
)
def test_context_length(trained: int, written: int | None, tokens: int) -> None:
    wanted = Wanted("default/m", "m", 1, WANTED.request, "r", context_length=written)
    assert context_length(wanted, Artifact(context_length=trained)) == tokens


def test_what_an_engine_needs_is_more_than_its_weights() -> None:
    assert need(WANTED, Artifact(size_bytes=4 * GIB, vram_required=6 * GIB)) > 6 * GIB
    assert need(WANTED, Artifact(size_bytes=4 * GIB)) > 4 * GIB


def test_weights_on_a_gpu_need_nothing_here() -> None:
    wanted = Wanted("default/m", "m", 1, WANTED.request, "r", on_gpu=True)
    assert need(wanted, Artifact(size_bytes=4 * GIB)) == 0


def test_meminfo_is_in_kibibytes() -> None:
    text = "MemTotal:       24683520 kB\nMemFree:  100 kB\nMemAvailable:   23931904 kB\nHugePages_Total:   0\n"
    assert machine.parse_meminfo(text) == Memory(24683520 << 10, 23931904 << 10)


def test_a_containers_limit_counts_and_its_caches_are_free(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{8 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{5 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\nactive_file {GIB}\ninactive_file {GIB}\nslab_reclaimable {GIB}\n")
    assert machine._container(tmp_path) == Memory(8 * GIB, 6 * GIB)


@pytest.mark.parametrize("limit", ["max\n", ""])
def test_no_limit_of_a_container(tmp_path: Path, limit: str) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("1\n")
    (tmp_path / "memory.stat").write_text("anon 1\n")
    assert machine._container(tmp_path) is None


def test_a_limit_of_the_users_is_the_smaller_one() -> None:
    limited = machine.memory(5 << 20)
    assert limited == Memory(5 << 20, 5 << 20)
    whole = machine.memory()
    assert whole is not None
    assert whole.total > 5 << 20


def test_this_very_process_has_done_something() -> None:
    import os

    done = machine.activity(os.getpid())
    assert done is not None
    assert done.touched > 0
    assert done.cpu > 0
    assert machine.activity(2**22 + 1) is None, "no such process"


@pytest.mark.parametrize(
    ("size", "text"),
    [(5 * GIB, "5.0 GiB"), (300 << 20, "300 MiB"), (3 << 19, "1.5 MiB"), (5 << 10, "5 KiB"), (0, "0 B"), (-5, "0 B")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert human_size(size) == text

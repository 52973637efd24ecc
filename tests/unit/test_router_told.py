"""What callers are told of a Model's condition."""

from __future__ import annotations

from pathlib import Path

import pytest

from auriga_api.model import FileSource
from auriga_api.model_status import ENGINE_SAID
from auriga_operator.weights.errors import WeightsError
from auriga_operator.weights.file_source import fetch
from auriga_router.routing.told import for_callers


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (f"llama-server ended with 1{ENGINE_SAID}/home/me/prompt", "llama-server ended with 1"),
        ("~/m/a.gguf is cut short: delete it", "(path) is cut short: delete it"),
        ("/data/my models/a b.gguf is a damaged GGUF file", "(path) is a damaged GGUF file"),
        ("no space in /var/cache/auriga: 3 GiB are free", "no space in (path): 3 GiB are free"),
        ("../a.gguf, part of ./b/a.gguf, is not there", "(path), part of (path), is not there"),
        ("the folder '/srv/models' (in \"/srv\")", "the folder '(path)' (in \"(path)\")"),
        ("https://hub.example.com/a/b.gguf answers 404", "https://hub.example.com/a/b.gguf answers 404"),
        ("no file of Qwen/Qwen3-8B-GGUF at main fits", "no file of Qwen/Qwen3-8B-GGUF at main fits"),
        ("no node has 1 nvidia.com/gpu, 3/4 are taken", "no node has 1 nvidia.com/gpu, 3/4 are taken"),
        ("x" * 600, "x" * 497 + "..."),
    ],
)
def test_neither_the_engines_words_nor_paths(message: str, told: str) -> None:
    assert for_callers(message) == told


def test_files_that_are_not_there_are_told_without_where(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    for path in ("demo.gguf", "no/demo.gguf", "empty", ".", "a-00001-of-00002.gguf"):
        with pytest.raises(WeightsError) as raised:
            fetch(FileSource(path=path), tmp_path)
        assert str(tmp_path) in raised.value.message
        told = for_callers(raised.value.message)
        assert told.startswith("source.file.path")
        assert "(path)" in told
        assert tmp_path.name not in told
        assert "other.gguf" not in told

"""A running `auriga up` for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.engines import StartUp, Up, fake_engine


@pytest.fixture
def up(tmp_path: Path) -> Iterator[StartUp]:
    """Starts `auriga up` with a manifest's text; ended with the test, if it has not ended before."""
    with ExitStack() as running:

        def start(text: str, *args: str, fake: bool = False, env: dict[str, str] | None = None) -> Up:
            path = tmp_path / "manifests.yaml"
            path.write_text(text)
            engine: Sequence[str] = ("--engine", str(fake_engine(tmp_path))) if fake else ()
            return running.enter_context(Up(path, cache=tmp_path, args=(*engine, *args), env=env))

        yield start

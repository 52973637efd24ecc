"""The images' recipes: what enters them, what they are pinned to, and as whom they run."""

import re
import tomllib

import pytest

from e2e.auriga_images import CONTEXT, DOCKERFILES, FILES, LOCKS, TREE

DOCKERFILE = {name: (TREE / file).read_text() for name, file in DOCKERFILES.items()}


def test_what_changes_an_image_is_what_may_enter_it() -> None:
    allowed = {line[1:] for line in (TREE / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == {*CONTEXT, *FILES, "requirements/*.txt"} - {".dockerignore"}


def test_the_wheel_finds_all_its_packages_there() -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(CONTEXT)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_everything_that_is_installed_is_pinned_by_hash(name: str) -> None:
    commands = re.findall(r"pip install [^&\n]*", DOCKERFILE[name])
    locked = [command for command in commands if "--require-hashes" in command]
    own = [command for command in commands if "--no-deps" in command and "/wheels/auriga-" in command]
    assert len(locked) == 2
    assert sorted(commands) == sorted(locked + own)
    assert set(re.findall(r"requirements/(\w+)\.txt", DOCKERFILE[name])) == set(LOCKS[name])


@pytest.mark.parametrize("name", DOCKERFILES)
def test_nobody_runs_as_root_and_no_folder_shadows_a_module(name: str) -> None:
    last = DOCKERFILE[name].rpartition("\nFROM ")[2]
    assert last.startswith("${BASE}\n")
    assert re.search(r"^USER 65532:65532$", last, re.MULTILINE)
    assert "PYTHONSAFEPATH=1" in last

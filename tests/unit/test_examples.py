"""The examples are good as they are shipped, and the quickstart is what the README says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auriga_api.manifests import Manifests, parse, references
from support.command import auriga

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted({file.parent for file in EXAMPLES.rglob("*.yaml")})


def read(folder: Path) -> Manifests:
    return parse({str(file): file.read_text() for file in sorted(folder.glob("*.yaml"))})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_passes_a_strict_check(folder: Path) -> None:
    ran = auriga("check", "--strict", "-f", str(folder))
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_example_answers_as_assistant(folder: Path) -> None:
    manifests = read(folder)
    assert {chain.role for chain in manifests.chains.values()} == {"assistant"}
    assert not references(manifests)


def test_weights_that_an_example_names_are_there() -> None:
    for folder in FOLDERS:
        for model in read(folder).models.values():
            if model.spec.source and model.spec.source.file:
                assert (folder / model.spec.source.file.path).is_file()


def test_every_example_is_in_the_list() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert all(f"[{folder.name}]({folder.name}/)" in text for folder in FOLDERS)


def test_the_first_member_of_the_quickstart_is_dead_on_purpose() -> None:
    manifests = read(EXAMPLES / "quickstart")
    chain = manifests.chains["default/assistant"]
    assert [member.model for member in chain.spec.members] == ["dead-on-purpose", "demo"]
    external = manifests.models["default/dead-on-purpose"].spec.external
    assert external is not None
    assert external.base_url == "http://127.0.0.1:9/v1"


def test_no_example_holds_a_key() -> None:
    secrets = [secret for folder in FOLDERS for secret in read(folder).secrets.values()]
    assert secrets
    assert all(secret.values() == {"api-key": b"REPLACE-ME"} for secret in secrets)

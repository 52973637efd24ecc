"""What is asked of Docker and kind, by programs that only write down what they were asked."""

from pathlib import Path

import pytest

from e2e import cluster, kind
from e2e.node.requirements import UnfitError

SCRIPT = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
  "create cluster"*) touch "{running}" ;;
  "delete cluster"*) rm "{running}" ;;
  "get clusters") [ ! -e "{running}" ] || echo auriga ;;
  *no-such*) echo "no such thing" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with a line for each call."""
    log = tmp_path / "log"
    for name in ("docker", "kind"):
        program = tmp_path / name
        program.write_text(SCRIPT.format(log=log, running=tmp_path / "running"))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("AURIGA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kind, "obtain", lambda *_: None)
    return log


def test_a_cluster_is_made_and_gets_every_image_of_this_tree(asked: Path) -> None:
    assert kind.kubeconfig() is None
    asked.unlink()

    kubeconfig, images = kind.up(lambda _: None)

    lines = asked.read_text().splitlines()
    assert f"kind create cluster --config={kind.CONFIG} --wait=180s" in lines
    for image in images.values():
        (built,) = [line for line in lines if line.startswith("docker build") and f"--tag={image.reference} " in line]
        assert built.endswith(f"--file={image.dockerfile} {image.context}")
        assert f"kind load docker-image --name=auriga {image.reference}" in lines
    assert f"kind export kubeconfig --name=auriga --kubeconfig={kubeconfig}" in lines

    kind.up(lambda _: None)
    assert asked.read_text().count("kind create") == 1
    kind.down()
    assert asked.read_text().count("kind delete cluster --name=auriga") == 1
    assert kind.kubeconfig() is None


def test_what_they_say_is_told(asked: Path) -> None:
    with pytest.raises(kind.TroubleError, match="docker exec failed:\nno such thing"):
        kind.on_node("no-such-command")


def test_the_cluster_is_the_one_that_the_configuration_names() -> None:
    assert f"\nname: {kind.NAME}\n" in kind.CONFIG.read_text()


def test_where_neither_can_be_it_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("e2e.bare.provide", _refuse)
    with pytest.raises(UnfitError) as raised:
        cluster.choose(lambda _: None)
    assert str(raised.value) == (
        "a cluster without Docker needs root; a cluster of kind needs Docker and kind, and there is no docker on PATH"
    )


def _refuse(_: object) -> None:
    raise UnfitError("a cluster without Docker needs root")

"""`auriga check`: the problems themselves are the API's; here is how they are told, and what a script learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command import auriga

GOOD = """\
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: demo}
spec: {source: {file: {path: demo.gguf}}}
"""
BAD = """\
apiVersion: auriga.dev/v1alpha1
kind: Model
metadata: {name: broken}
spec:
  source: {file: {path: demo.gguf}}
  replicas: -1
"""
CHAIN = """\
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: coding}
spec:
  members:
  - model: demi
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.gguf").touch()
    return tmp_path


def test_good_manifests(folder: Path) -> None:
    (folder / "a.yaml").write_text(GOOD)
    (folder / "b.yml").write_text(CHAIN.replace("demi", "demo"))
    (folder / "notes.txt").write_text("not a manifest")
    ran = auriga("check", "-f", ".")
    assert (ran.code, ran.out, ran.err) == (0, "", "1 Model, 1 RoleChain: no problems\n")


def test_an_error_has_file_line_and_object(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{GOOD}---\n{BAD}")
    ran = auriga("check", "-f", "a.yaml")
    assert ran.code == 2
    assert ran.out.startswith("a.yaml:11: error: Model default/broken: spec.replicas: ")
    assert ran.out.count("\n") == 1
    assert ran.err == "1 error, 0 warnings; 1 Model without an error\n"


def test_all_errors_of_all_files_come_at_once(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{BAD}---\n: [\n---\n{BAD.replace('broken', 'worse').replace('source', 'sorce')}")
    (folder / "b.yaml").write_text(CHAIN.replace("demi", "broken") + "  strategy: Fastest\n---\n" + BAD)
    ran = auriga("check", "-f", ".")
    assert [line.partition(" error: ")[0] for line in ran.out.splitlines()] == [
        "a.yaml:6:", "a.yaml:8:", "a.yaml:14:", "a.yaml:15:", "b.yaml:7:", "b.yaml:9:", "b.yaml:14:",
    ]  # fmt: skip
    assert ran.err == "7 errors, 0 warnings; no objects without an error\n"


def test_warnings_come_with_the_errors_of_their_object(folder: Path) -> None:
    """Not one round later; and not of what is wrong itself."""
    (folder / "a.yaml").write_text("""apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: coding}
spec:
  members:
  - model: nobody
  strategy: Fastest
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
metadata: {name: empty}
spec: {members: [], privacy: {localOnly: true}}
---
apiVersion: auriga.dev/v1alpha1
kind: RoleChain
""")
    ran = auriga("check", "-f", str(folder / "a.yaml"))
    assert [line.partition(":")[2].partition(" RoleChain default/")[2] for line in ran.out.splitlines()] == [
        'coding: spec.members[0].model: there is no Model "nobody" in namespace default',
        'coding: spec.strategy: write Ordered, Weighted, LeastLatency, LeastCost or Adaptive, not "Fastest"',
        "empty: spec.members: needs at least 1",
        "(no name): metadata: required, but missing: write it with name",
        "(no name): spec: required, but missing: write it with members",
    ]
    assert "4 errors, 1 warning" in ran.err


def test_a_warning_alone_is_no_failure_unless_strict(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{GOOD}---\n{CHAIN}")
    ran = auriga("check", "-f", "a.yaml")
    assert ran.code == 0
    assert ran.out.startswith("a.yaml:11: warning: RoleChain default/coding: spec.members[0].model: there is no Model")
    assert auriga("check", "-f", "a.yaml", "--strict").code == 2


def test_weights_that_are_not_here_are_told_as_up_looks_for_them(folder: Path) -> None:
    (folder / "deeper").mkdir()
    (folder / "deeper" / "a.yaml").write_text(GOOD)
    ran = auriga("check", "-f", "deeper")
    missing = (folder / "deeper" / "demo.gguf").resolve()
    where = "deeper/a.yaml:4: warning: Model default/demo: spec.source.file.path"
    assert (ran.code, ran.out) == (0, f"{where}: there is no file {missing} on this machine\n")
    missing.touch()
    assert auriga("check", "-f", "deeper").out == ""


def test_a_folder_that_holds_none_is_told(folder: Path) -> None:
    (folder / "deeper").mkdir()
    ran = auriga("check", "-f", ".")
    assert (ran.code, ran.err) == (0, "nothing was checked\n")
    assert ran.out.startswith(".: warning: holds no manifests: files that end in .yaml, .yml, .json")
    assert auriga("check", "-f", ".", "--strict").code == 2


def test_json(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{GOOD}---\n{BAD}---\n{CHAIN}")
    ran = auriga("check", "-f", "a.yaml", "-o", "json", "--namespace", "team")
    told = json.loads(ran.out)
    assert (ran.code, told["ok"], told["models"], told["roleChains"]) == (2, False, ["team/demo"], ["team/coding"])
    assert [(each["line"], each["severity"], each["subject"]) for each in told["problems"]] == [
        (11, "error", "Model team/broken"),
        (18, "warning", "RoleChain team/coding"),
    ]


def test_stdin(folder: Path) -> None:
    ran = auriga("check", "-f", "-", stdin=BAD)
    assert ran.code == 2
    assert ran.out.startswith("<stdin>:6: error: Model default/broken: ")
    assert auriga("check", "-f", "-", "-f", "a.yaml", stdin=BAD).code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "broken YAML"), ("kind: Deployment\napiVersion: apps/v1\n", "unknown kind"), ("- 1", "not a Kubernetes")],
)
def test_what_is_no_manifest(folder: Path, text: str, said: str) -> None:
    ran = auriga("check", "-f", "-", stdin=text)
    assert ran.code == 2
    assert said in ran.out


def test_files_that_cannot_be_read(folder: Path) -> None:
    ran = auriga("check", "-f", "nowhere.yaml")
    assert (ran.code, ran.err) == (3, "error: -f nowhere.yaml: no such file or folder\n")
    (folder / "latin.yaml").write_bytes(b"kind: \xff")
    ran = auriga("check", "-f", "latin.yaml")
    assert ran.code == 2
    assert ran.out == "latin.yaml: error: is not UTF-8 text\n"


def test_a_secret_never_shows(folder: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: [hunter2]}\ndata: {b: hunter3}\n"
    ran = auriga("check", "-f", "-", stdin=secret)
    assert ran.code == 2
    assert "hunter" not in ran.out + ran.err


def test_without_a_file() -> None:
    ran = auriga("check")
    assert ran.code == 2
    assert "Missing option" in ran.err

"""Where the test cluster's programs come from: the order, and what a person reads when there are none."""

from dataclasses import replace
from pathlib import Path

import pytest

from support.kube.binaries import CONTROL_PLANE, NODE, Folder, GiveUp, Machine, Obtain, Use, Way, decide
from support.kube.download import choose
from support.kube.go import WayError
from support.kube.helm import HELM
from support.kube.kwok import KWOK
from support.kube.program import Program, ProgramMissingError

ENVTEST = frozenset({"etcd", "kube-apiserver", "kubectl"})
NOT_SET = Folder("KUBEBUILDER_ASSETS", None)
ASSETS = Folder("KUBEBUILDER_ASSETS", Path("/assets"), ENVTEST)
BUILT = Folder("cache", Path("/cache/build-1"), NODE)
DOWNLOADED = Folder("cache", Path("/cache/download-1"), CONTROL_PLANE)
BUILT_WITHOUT_PROXY = Folder("cache", Path("/cache/build-1"), NODE - {"kube-proxy"})
EMPTY = Folder("cache", Path("/cache/build-2"))


@pytest.mark.parametrize(
    ("wanted", "machine", "expected"),
    [
        pytest.param(ENVTEST, Machine((ASSETS, BUILT)), Path("/assets"), id="KUBEBUILDER_ASSETS first"),
        pytest.param(CONTROL_PLANE, Machine((ASSETS, BUILT)), Path("/cache/build-1"), id="assets without controllers"),
        pytest.param(CONTROL_PLANE, Machine((NOT_SET, EMPTY, DOWNLOADED)), Path("/cache/download-1"), id="cache"),
        pytest.param(CONTROL_PLANE, Machine((NOT_SET, EMPTY), "/bin/go"), Way.BUILD, id="build"),
        pytest.param(CONTROL_PLANE, Machine((ASSETS, EMPTY), "/bin/go"), Way.BUILD, id="build beside assets"),
        pytest.param(NODE, Machine((NOT_SET, DOWNLOADED), "/bin/go"), Way.BUILD, id="a node is never downloaded"),
        pytest.param(CONTROL_PLANE, Machine((NOT_SET, EMPTY)), Way.DOWNLOAD, id="no go"),
        pytest.param(
            CONTROL_PLANE,
            Machine((NOT_SET, EMPTY), "/bin/go", {Way.BUILD: "no module proxy"}),
            Way.DOWNLOAD,
            id="build failed",
        ),
    ],
)
def test_the_order_of_the_ways(wanted: frozenset[str], machine: Machine, expected: Path | Way) -> None:
    step = decide(wanted, machine)
    assert (step.folder if isinstance(step, Use) else isinstance(step, Obtain) and step.way) == expected


def test_giving_up_tells_everything_in_one_line() -> None:
    machine = Machine((NOT_SET, EMPTY), "/bin/go", {Way.BUILD: "no module proxy", Way.DOWNLOAD: "no route to host"})
    assert decide(CONTROL_PLANE, machine) == GiveUp(
        "no Kubernetes programs for the tests: KUBEBUILDER_ASSETS is not set; nothing in cache /cache/build-2; "
        "build: no module proxy; download: no route to host"
    )


def test_giving_up_names_the_programs_that_lack() -> None:
    machine = Machine((ASSETS, BUILT_WITHOUT_PROXY))
    assert decide(NODE, machine) == GiveUp(
        "no Kubernetes programs for the tests: "
        "no kube-controller-manager, kube-proxy, kube-scheduler, kubelet, remove-pods in KUBEBUILDER_ASSETS /assets; "
        "no kube-proxy in cache /cache/build-1; build: there is no go command on PATH; "
        "download: kube-proxy, kube-scheduler, kubelet, remove-pods cannot be had that way"
    )


def test_a_download_is_the_newest_patch_of_the_same_minor() -> None:
    linux, mac = "envtest-{}-linux-amd64.tar.gz", "envtest-{}-darwin-arm64.tar.gz"
    entries = {version: {linux.format(version): {"hash": version}} for version in ("v1.34.9", "v1.34.10", "v1.35.0")}
    entries["v1.34.11"] = {mac.format("v1.34.11"): {"hash": "mac"}}
    index = {"releases": entries}
    assert choose(index, "v1.34.4", "linux-amd64") == ("v1.34.10", {"hash": "v1.34.10"})
    assert choose(index, "v1.34.4", "darwin-arm64") == ("v1.34.11", {"hash": "mac"})
    with pytest.raises(WayError, match=r"no Kubernetes v1\.33 is published for linux-amd64"):
        choose(index, "v1.33.1", "linux-amd64")


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program that nobody has, on a machine without Go."""
    monkeypatch.setenv("AURIGA_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "go.mod").write_text("module a")
    (tmp_path / "go.sum").touch()
    return Program("tool", "Tool v1", tmp_path, "example.org/tool", "a while", "make tool")


def test_a_program_that_is_missing_is_named_with_what_builds_it(tool: Program) -> None:
    with pytest.raises(
        ProgramMissingError, match=r"no Tool v1: nothing in cache .*/tool-\w+; none on PATH; `make tool`"
    ):
        tool.obtain(print)


def test_a_program_is_built_anew_when_its_recipe_changes_and_never_else(tool: Program) -> None:
    entry = tool._entry()
    entry.mkdir(parents=True)
    (entry / "tool").touch()
    assert tool.find() == entry / "tool"
    assert replace(tool, title="Other words", duration="long").find() == entry / "tool"
    for changed in (replace(tool, stamps=("a.b=c",)), replace(tool, package="example.org/other")):
        assert changed._entry() != entry
    (tool.source / "go.mod").write_text("module b")
    assert tool._entry() != entry


@pytest.mark.parametrize("program", [HELM, KWOK])
def test_the_versions_are_those_of_go_mod(program: Program) -> None:
    assert program.title.split()[1] in (program.source / "go.mod").read_text()

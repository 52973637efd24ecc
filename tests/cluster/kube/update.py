"""Moves the test cluster to another Kubernetes: `python update.py v1.34.4`, in this folder, rewrites go.mod and go.sum.

k8s.io/kubernetes cannot be required as it is: it asks for its own parts ("staging" modules) at v0.0.0 and replaces them
by folders of its tree, and a module's replacements count for nobody else. Each is replaced here by its published twin.
etcd's server is taken at the version that this Kubernetes names, because then it shares the client and gRPC with it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MODULE = """\
module auriga.dev/tests/kube

go {go}

require (
\tgo.etcd.io/etcd/server/v3 {etcd}
\tk8s.io/kubernetes {version}
)

replace (
{replacements}
)
"""


def render(version: str, upstream: str) -> str:
    """The go.mod that builds Kubernetes `version`, given the go.mod of k8s.io/kubernetes itself."""
    # With the space, because k8s.io/utils and a few others have pseudo-versions v0.0.0-... and are published as such.
    staging = sorted(set(re.findall(r"^\t(k8s\.io/[a-z0-9-]+) v0\.0\.0\s", upstream, re.MULTILINE)))
    twin = "v0." + version.removeprefix("v1.")
    return MODULE.format(
        go=_found(r"^go (\S+)", upstream),
        etcd=_found(r"go\.etcd\.io/etcd/server/v3 (v\S+)", upstream),
        version=version,
        replacements="\n".join(f"\t{name} => {name} {twin}" for name in staging),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"nothing in k8s.io/kubernetes' go.mod matches {pattern}")
    return match[1]


def main() -> None:
    """Rewrites both files for the version that the command line names."""
    if len(sys.argv) != 2 or not re.fullmatch(r"v1\.\d+\.\d+", sys.argv[1]):
        raise SystemExit("usage: python update.py v1.MINOR.PATCH")
    version = sys.argv[1]
    download = subprocess.check_output(["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"], cwd=HERE)
    upstream = Path(json.loads(download)["GoMod"]).read_text()
    (HERE / "go.mod").write_text(render(version, upstream))
    subprocess.run(["go", "mod", "tidy"], cwd=HERE, check=True)


if __name__ == "__main__":
    main()

"""kwok, which plays the nodes of the tests of placement: built from its public Go module and kept in the cache.

`python tests/support/kube/kwok.py` builds it before the tests, since a first build takes minutes, and prints its path.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # a script, while the tests import it from there
    sys.path.insert(0, str(Path(__file__).parents[2]))

from support.kube.program import Program, version

SOURCE = Path(__file__).parents[2] / "cluster" / "kwok"
KWOK = Program(
    "kwok",
    f"kwok {version(SOURCE, r'sigs[.]k8s[.]io/kwok (v[0-9.]+)')}",
    SOURCE,
    "sigs.k8s.io/kwok/cmd/kwok",
    "about 90 seconds on 2 cores",
    "python tests/support/kube/kwok.py",
)


if __name__ == "__main__":
    KWOK.main()

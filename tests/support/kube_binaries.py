"""`python tests/support/kube_binaries.py`: makes sure that the test control plane's programs are there.

Run before the tests, since a first build takes minutes and pytest would hide its progress. Prints their folder; exit
status 1 after one line that says what was tried.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script, while the tests import it from there

from support.kube.binaries import CONTROL_PLANE
from support.kube.provide import BinariesMissingError, obtain


def main() -> int:
    """Finds, builds or downloads the programs; progress goes to stderr."""
    try:
        folder = obtain(CONTROL_PLANE, report=lambda line: print(line, file=sys.stderr, flush=True))
    except BinariesMissingError as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m auriga_operator.fetching``: the fetcher of weights as a pod runs it.

It gives the request in ``AURIGA_WEIGHTS_REQUEST`` to ``auriga_operator.weights``, passes its lines on to the log, and
leaves the last one where the operator finds it when the container has ended. Knows nothing of Kubernetes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, cast

TERMINATION_LOG = Path("/dev/termination-log")
_LONGEST = 4096
"""Bytes of a termination message that Kubernetes keeps."""


def main() -> int:
    """The fetcher's own exit status."""
    request = os.environ["AURIGA_WEIGHTS_REQUEST"]
    last: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "auriga_operator.weights"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        # The first process of a container gets no signal that it does not ask for.
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        stdin, stdout = cast("IO[str]", child.stdin), cast("IO[str]", child.stdout)
        stdin.write(request)
        stdin.close()
        for line in stdout:
            print(line, end="", flush=True)  # noqa: T201 - the log is what it writes
            last = json.loads(line)
    _leave(_relative(last, json.loads(request)["cache"]))
    return child.returncode


def _relative(event: dict[str, Any], cache: str) -> dict[str, Any]:
    """The path below the cache, which other pods may mount elsewhere."""
    if event.get("event") != "done":
        return event
    return {**event, "path": os.path.relpath(event["path"], cache)}


def _leave(event: dict[str, Any]) -> None:
    text = json.dumps(event).encode()
    if event and len(text) <= _LONGEST and TERMINATION_LOG.exists():
        TERMINATION_LOG.write_bytes(text)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m auriga_operator.weights``: one request as JSON on stdin, events as JSON lines on stdout.

Exit status 0 after ``done``, 1 after ``failed``. The hub's token is in HF_TOKEN. What there is to tell about retries
goes to stderr.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from typing import TextIO

from auriga_operator.weights import events, process, request
from auriga_operator.weights.errors import Reason, WeightsError
from auriga_operator.weights.events import Done, Failed, Progress, Resolved, Retrying


def main() -> int:
    """Run one fetch; the exit status."""
    process.stop_on_signals()
    process.die_with_parent(os.getppid())
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    last = _run(read_request(sys.stdin))
    emit(last)
    return 0 if isinstance(last, Done) else 1


def read_request(stream: TextIO) -> str:
    """One JSON value, on one line or several; the parent may keep its end open, so it is not read to the end."""
    text = ""
    for line in stream:
        text += line
        with contextlib.suppress(ValueError):
            json.loads(text)
            break
    return text


def emit(event: Resolved | Progress | Retrying | Done | Failed) -> None:
    """Write one line at once; when nobody reads any more, there is nothing left to do."""
    try:
        sys.stdout.write(events.to_line(event) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)


def _run(text: str) -> Done | Failed:
    try:
        asked = request.parse(text)
        if asked.parent_pid:
            process.die_with_parent(asked.parent_pid)
        # Not before the parent is watched: this imports numpy and an HTTP client, a third of a second.
        from auriga_operator.weights.fetch import fetch  # noqa: PLC0415

        return fetch(asked, emit)
    except WeightsError as error:
        return Failed(reason=error.reason, message=error.message)
    except Exception as error:  # the parent waits for a last event, whatever went wrong
        logging.getLogger(__name__).exception("the fetch failed in a way that is not expected")
        return Failed(reason=Reason.FAILED, message=f"unexpected {type(error).__name__}: report it with the log above")


if __name__ == "__main__":
    sys.exit(main())

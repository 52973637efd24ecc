"""Starting again what ended by an error that may pass, until it does so too often in a row. Knows not what it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each new start; after the last of them in a row the error stands."""
HELD = 60.0
"""Seconds after which a run counts as one that had succeeded."""


class Interrupted(Exception):  # noqa: N818 - an outcome
    """It ended by an error that may pass."""


def again(
    run: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """``run``, and run it again after a pause each time that it is Interrupted. Raises that in the end."""
    left = list(PAUSES)
    while True:
        begun = clock()
        try:
            return run()
        except Interrupted as error:
            if clock() - begun > HELD:
                left = list(PAUSES)
            if not left:
                raise
            pause = left.pop(0)
            _log.warning("interrupted by %s: starting again in %g s", error, pause)
            sleep(pause)

"""What a response's status says of an attempt. Pure."""

from __future__ import annotations

from typing import Final

from auriga_router.routing.outcome import Outcome

_OF_STATUS: Final = {
    **dict.fromkeys((401, 402, 403), Outcome.UNAUTHORIZED),
    **dict.fromkeys((404, 405, 409, 410, 501), Outcome.UNSUPPORTED),
    408: Outcome.TIMEOUT,
    429: Outcome.RATE_LIMITED,
}
_OK: Final = Outcome.OK


def of_status(status: int) -> Outcome:
    """The outcome that a response's status alone decides. 2xx is OK until the body says otherwise."""
    if 200 <= status < 300:
        return _OK
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if 400 <= status < 500:
        return Outcome.CLIENT_ERROR
    return Outcome.SERVER_ERROR if status >= 500 else Outcome.MALFORMED

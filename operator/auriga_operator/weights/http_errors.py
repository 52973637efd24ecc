"""What HTTP errors mean for a fetch: worth another try, or not."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx2

from auriga_operator.weights import retry
from auriga_operator.weights.errors import Reason, TransientError, WeightsError


def from_status(response: httpx2.Response) -> TransientError:
    """The error for a retryable status."""
    reason = f"status {response.status_code} {response.reason_phrase}".rstrip()
    return TransientError(reason, retry.retry_after(response.headers.get("retry-after")))


def from_transport(error: httpx2.TransportError, where: str) -> TransientError | WeightsError:
    """The error for a connection that could not be made or broke; ``where`` is the public address.

    Certificates that nobody trusts and schemes that nobody speaks stay so at the next try.
    """
    if isinstance(error, httpx2.UnsupportedProtocol):
        return WeightsError(
            Reason.UNREACHABLE, f"{where} is no address: write one that starts with https:// or http://"
        )
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return WeightsError(
            Reason.UNREACHABLE,
            f"the certificate of {where} is not trusted here: add its authority to the system's store or SSL_CERT_FILE",
        )
    if isinstance(error, httpx2.TimeoutException):
        return TransientError("nothing was received for too long")
    return TransientError(str(error) or type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The chain of what led to ``error``; it ends, since each was raised before the next."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__

"""What a hub's refusal means and what the user can do about it. Pure: status and headers in, error out.

A hub tells the cases apart in the header X-Error-Code, since the statuses do not: 401 may be a wrong token, a private
repository, or one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auriga_operator.weights.errors import Reason, WeightsError

_TOKEN = "put an access token into a Secret and name it in source.huggingFace.tokenSecretRef"


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked for. ``with_token``: whether the request carried one; the token itself is nobody's business."""

    endpoint: str
    repo: str
    revision: str
    file: str = ""
    with_token: bool = False

    @property
    def page(self) -> str:
        return f"{self.endpoint}/{self.repo}"


def refusal(status: int, headers: Mapping[str, str], subject: Subject) -> WeightsError:
    """The error for an answer of ``status`` (4xx, or what is left after retries)."""
    code = headers.get("x-error-code", "")
    said = headers.get("x-error-message", "")
    by_code = {
        "GatedRepo": WeightsError(Reason.GATED_REPOSITORY, _gated(subject)),
        "RevisionNotFound": revision_not_found(subject),
        "EntryNotFound": WeightsError(
            Reason.FILE_NOT_FOUND, f"{subject.file} is not in {subject.page} at {subject.revision}"
        ),
        "RepoNotFound": WeightsError(Reason.REPOSITORY_NOT_FOUND, _not_found(subject)),
    }
    if code in by_code:
        return by_code[code]
    if status == 404:
        return WeightsError(Reason.REPOSITORY_NOT_FOUND, _not_found(subject))
    if status == 401:
        return WeightsError(Reason.UNAUTHORIZED, _unauthorized(subject))
    if status == 403:
        return WeightsError(Reason.UNAUTHORIZED, _forbidden(subject, said))
    detail = f" ({said})" if said else ""
    return WeightsError(Reason.FAILED, f"{subject.page} was refused with status {status}{detail}")


def revision_not_found(subject: Subject) -> WeightsError:
    """No such branch, tag or commit."""
    return WeightsError(
        Reason.REVISION_NOT_FOUND,
        f"{subject.page} has no revision {subject.revision}; set source.huggingFace.revision to a branch, a tag or a "
        "commit of it, or leave it out for main",
    )


def malformed_repository(repo: str) -> WeightsError:
    """A name that no hub can hold."""
    return WeightsError(
        Reason.REPOSITORY_NOT_FOUND,
        f"{repo!r} names no repository; write source.huggingFace.repo as owner/name, such as Qwen/Qwen3-0.6B-GGUF",
    )


def _gated(subject: Subject) -> str:
    if subject.with_token:
        return (
            f"{subject.repo} is gated, and the token's account has no access: accept the license at {subject.page} "
            "with that account, and give a fine-grained token the right to read gated repositories"
        )
    return f"{subject.repo} is gated: accept the license at {subject.page}, then {_TOKEN}"


def _not_found(subject: Subject) -> str:
    if subject.with_token:
        return (
            f"there is no {subject.page} that the token may read: check source.huggingFace.repo and the token's account"
        )
    return f"there is no public {subject.page}: check source.huggingFace.repo; if it is private, {_TOKEN}"


def _unauthorized(subject: Subject) -> str:
    if subject.with_token:
        return (
            f"{subject.endpoint} refused the token: it is wrong, expired or revoked; "
            "put a valid one into the Secret that source.huggingFace.tokenSecretRef names"
        )
    return f"{subject.page} needs a token: {_TOKEN}"


def _forbidden(subject: Subject, said: str) -> str:
    detail = f" ({said})" if said else ""
    return f"{subject.endpoint} forbids access to {subject.repo}{detail}: give the token the right to read it"

"""Why weights cannot be had: a reason for machines, a message for people."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons of a failed fetch, as conditions and the CLI show them."""

    UNAUTHORIZED = "Unauthorized"
    GATED_REPOSITORY = "GatedRepository"
    REPOSITORY_NOT_FOUND = "RepositoryNotFound"
    REVISION_NOT_FOUND = "RevisionNotFound"
    FILE_NOT_FOUND = "FileNotFound"
    NO_SUITABLE_FILE = "NoSuitableFile"
    INSUFFICIENT_GPU_MEMORY = "InsufficientGpuMemory"
    HASH_MISMATCH = "HashMismatch"
    PERMISSION_DENIED = "PermissionDenied"
    DISK_FULL = "DiskFull"
    UNREACHABLE = "Unreachable"
    NOT_GGUF = "NotGguf"
    UNSUPPORTED = "Unsupported"
    FAILED = "Failed"


class WeightsError(Exception):
    """The fetch ends here. ``message`` says what is wrong, where, and what to do; it never holds a token."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class TransientError(Exception):
    """What may be gone at the next try: a cut, a stall, a 5xx. ``retry_after`` is the server's own wish, in seconds."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after

"""How to reach an external provider: address, path and headers from ``Model.spec.external`` and its Secret. Pure.

A provider that cannot be used says why; nothing here raises on what a user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from auriga_api.model import External
from auriga_router.endpoint import Address
from auriga_router.providers.anthropic import ANTHROPIC
from auriga_router.providers.facts import Provider
from auriga_router.providers.gemini import GEMINI
from auriga_router.providers.ollama import OLLAMA
from auriga_router.providers.openai import COMPATIBLE, OPENAI
from auriga_router.table import NotReady

PROVIDERS = {
    "openai": OPENAI, "anthropic": ANTHROPIC, "gemini": GEMINI, "ollama": OLLAMA, "openaiCompatible": COMPATIBLE,
}  # fmt: skip
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = frozenset({
    "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
    "te", "trailer", "upgrade", "expect", "accept-encoding", "x-request-id",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """Where and how a provider is asked."""

    provider: Provider
    address: Address
    path: bytes
    headers: bytes = field(repr=False)
    credential: bytes = field(repr=False)


def site(external: External, namespace: str, secrets: Mapping[str, Mapping[str, bytes]]) -> Site | NotReady:
    """Where and how to ask this provider, or why that is not possible."""
    provider = PROVIDERS[external.provider]
    url = _url(external.base_url or provider.default_url)
    if isinstance(url, NotReady):
        return url
    key = _key(external, namespace, secrets)
    if isinstance(key, NotReady):
        return key
    headers = _headers(external.headers, key, provider)
    if isinstance(headers, NotReady):
        return headers
    tls = url.scheme == "https"
    host = (url.hostname or "").encode("idna").decode()
    address = Address(host, url.port or (443 if tls else 80), tls, external=True)
    return Site(provider, address, _path(provider, url), headers, key.encode("latin-1"))


def _url(text: str) -> SplitResult | NotReady:
    try:
        url = urlsplit(text)
        valid = url.scheme in ("http", "https") and bool(url.hostname) and url.username is None and url.port != 0
        (url.hostname or "").encode("idna")
    except ValueError:
        valid = False
    if not valid or url.query or url.fragment or not re.fullmatch(r"[!-~]*", url.path):
        return NotReady("InvalidBaseURL", "external.baseURL: write an http or https address such as https://host/v1")
    return url


def _path(provider: Provider, url: SplitResult) -> bytes:
    path = url.path.rstrip("/")
    return (path if path.endswith(provider.version) else path + provider.version).encode("ascii")


def _key(external: External, namespace: str, secrets: Mapping[str, Mapping[str, bytes]]) -> str | NotReady:
    reference = external.credentials_secret_ref
    if reference is None:
        return ""
    secret = secrets.get(f"{namespace}/{reference.name}")
    if secret is None:
        return NotReady("SecretMissing", f"Secret {namespace}/{reference.name} does not exist")
    if reference.key not in secret:
        return NotReady("SecretKeyMissing", f"Secret {namespace}/{reference.name} has no key {reference.key}")
    key = secret[reference.key].decode("latin-1").strip()
    if not key or not _HEADER_VALUE.fullmatch(key):
        return NotReady("SecretInvalid", f"Secret {namespace}/{reference.name}: key {reference.key} holds no API key")
    return key


def _headers(extra: Mapping[str, str], key: str, provider: Provider) -> bytes | NotReady:
    lines = {**provider.headers, **(provider.authorize(key) if key else {})}
    for name, value in extra.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() in _OURS:
            return NotReady("InvalidHeaders", f"external.headers: {name!r} cannot be sent; remove or correct it")
        lines[name.lower()] = value
    return "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")

"""A provider that serves a model elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from auriga_api.base import Schema, SecretKeyRef
from auriga_api.fields import BaseUrl
from auriga_api.rules import NULL_IS_ABSENT, Rule

Provider = Literal["openai", "anthropic", "gemini", "ollama", "openaiCompatible"]

_CREDENTIALS = ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
_FRAMING = (
    "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "proxy-connection",
    "te", "trailer", "upgrade", "expect", "accept-encoding", "x-request-id",
)  # fmt: skip
_TOKEN = r"[A-Za-z0-9!#$%&*+.^_|~-]+"
_TEXT = r"[ -~]*"

_EXTERNAL_RULES: tuple[Rule[External], ...] = (
    Rule(
        "self.provider != 'openaiCompatible' || (has(self.baseURL) && self.baseURL != '')",
        lambda external: external.provider != "openaiCompatible" or external.base_url != "",
        "provider openaiCompatible needs the address of the server, such as http://host:8000/v1",
        "baseURL",
        "FieldValueRequired",
    ),
    Rule(
        "self.provider != 'anthropic' || !has(self.baseURL) || !self.baseURL.matches(r'/v1/?$')",
        lambda external: external.provider != "anthropic" or not external.base_url.removesuffix("/").endswith("/v1"),
        "write it without /v1, as Anthropic's SDK takes it, such as https://api.anthropic.com",
        "baseURL",
    ),
    Rule(
        f"!has(self.headers) || self.headers.all(name, !(name.lowerAscii() in {list(_CREDENTIALS)}))",
        lambda external: not {name.lower() for name in external.headers} & set(_CREDENTIALS),
        "put the key into a Secret and name it in credentialsSecretRef: who may read the Model reads its headers",
        "headers",
        "FieldValueForbidden",
    ),
    Rule(
        f"!has(self.headers) || self.headers.all(name, !(name.lowerAscii() in {list(_FRAMING)}))",
        lambda external: not {name.lower() for name in external.headers} & set(_FRAMING),
        "remove the headers that belong to the connection (host, content-length ...): they are set for each request",
        "headers",
        "FieldValueForbidden",
    ),
    Rule(
        f"!has(self.headers) || self.headers.all(name, name.matches(r'^{_TOKEN}$'))",
        lambda external: all(re.fullmatch(_TOKEN, name) for name in external.headers),
        "write header names of letters, digits and dashes, such as x-team",
        "headers",
    ),
    Rule(
        f"!has(self.headers) || self.headers.all(name, self.headers[name].matches(r'^{_TEXT}$'))",
        lambda external: all(re.fullmatch(_TEXT, value) for value in external.headers.values()),
        "write header values of printable ASCII characters, in one line",
        "headers",
    ),
)


class External(Schema):
    """A provider that serves the model elsewhere."""

    rules = _EXTERNAL_RULES

    provider: Provider
    """Who serves it, and so how it is spoken to: openai, anthropic, gemini, ollama, or openaiCompatible for any other
    server with OpenAI's API (vLLM, LM Studio, OpenRouter ...)."""
    base_url: Annotated[BaseUrl, Field(alias="baseURL")] = ""
    """Address, as the provider's own SDK takes it: an OpenAI-compatible one mostly ends in /v1, Anthropic's does not.
    Default: the provider's public address, for ollama http://127.0.0.1:11434."""
    model: Annotated[str, Field(max_length=200)] = ""
    """The model's name at the provider, such as claude-sonnet-4-5. Default: the name of this object."""
    credentials_secret_ref: SecretKeyRef | None = None
    """The provider's API key, in a Secret of this namespace."""
    headers: Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=16), NULL_IS_ABSENT] = {}
    """Headers to send along, such as {x-team: research}. Never a key: that belongs into credentialsSecretRef."""

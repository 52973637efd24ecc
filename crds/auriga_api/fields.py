"""Kinds of text that several resources have: addresses, paths, images, roles."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auriga_api.rules import Rule, matches

_HOST = r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"

HttpUrl = Annotated[
    str,
    Field(max_length=2048),
    matches(
        rf"https?://{_HOST}([/?#][!#-&(-~]*)?",
        "write an http or https address without a user or password in it, such as https://host/path",
    ),
]

_REQUEST_PATHS = ("/chat/completions", "/completions", "/messages", "/embeddings")

BaseUrl = Annotated[
    str,
    Field(max_length=1024),
    matches(
        rf"(https?://{_HOST}(/[!$-&(->@-~]*)?)?",
        "write an http or https address without a user, a password or a query in it, such as https://host/v1",
    ),
    Rule(
        f"!self.matches(r'({'|'.join(_REQUEST_PATHS)})/?$')",
        lambda url: not url.removesuffix("/").endswith(_REQUEST_PATHS),
        "write the base only, as the provider's SDK takes it: the path of the request is added to it",
    ),
]
"""Empty means the provider's own."""

PathInside = Annotated[
    str,
    Field(max_length=1024),
    Rule(
        "self != '' && !self.startsWith('/') && !self.split('/').exists(part, part == '..')",
        lambda path: path != "" and not path.startswith("/") and ".." not in path.split("/"),
        "write a path from the root, without a leading / or .., such as models/qwen3-8b.gguf",
    ),
]
"""A path inside something that is mounted: a volume, an image."""

FilePath = Annotated[
    str,
    Field(max_length=4096),
    Rule(
        "self != '' && !self.startsWith('~') && !self.contains('://')",
        lambda path: path != "" and not path.startswith("~") and "://" not in path,
        "write the path out, such as /models/qwen3-8b.gguf (~ is not expanded, and an address belongs into source.url)",
    ),
]

_IMAGE = "[a-zA-Z0-9]([a-zA-Z0-9._-]|:[a-zA-Z0-9]|/[a-zA-Z0-9]|@sha256:[0-9a-f]{64})*"
_IMAGE_MESSAGE = "write an image as REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, without https://"

ImageReference = Annotated[str, Field(max_length=512), matches(_IMAGE, _IMAGE_MESSAGE)]
OptionalImage = Annotated[str, Field(max_length=512), matches(f"({_IMAGE})?", _IMAGE_MESSAGE)]
"""Empty means the one of this release."""

_ROLE = "[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?"
_ROLE_MESSAGE = "write letters and digits with - . _ : between them, such as coding: callers send it as their model"

RoleName = Annotated[str, Field(max_length=63), matches(_ROLE, _ROLE_MESSAGE)]
"""No slash: ``namespace/name`` means another namespace."""
OptionalRole = Annotated[str, Field(max_length=63), matches(f"({_ROLE})?", _ROLE_MESSAGE)]
"""Empty means the name of the object."""

Price = Annotated[
    str,
    Field(max_length=20),
    matches(r"[0-9]{1,9}(\.[0-9]{1,9})?", 'write US dollars as a decimal number in quotes, such as "2.50"'),
]

"""Kubernetes' own Secret, as far as Auriga reads it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from auriga_api.base import DataKey, ObjectMeta
from auriga_api.rules import NULL_IS_ABSENT, without_nulls


def _decoded(value: SecretStr) -> bytes:
    # Line breaks are fine for Kubernetes too; anything else that is no base64 is refused.
    return base64.b64decode("".join(value.get_secret_value().splitlines()), validate=True)


def _is_base64(value: SecretStr) -> SecretStr:
    try:
        _decoded(value)
    except (binascii.Error, ValueError):
        raise ValueError("not base64: put the value into stringData, where it is written as it is") from None
    return value


_Value = Annotated[SecretStr, AfterValidator(_is_base64)]


class Secret(BaseModel):
    """A Secret from a manifest. Its values never show in a repr, a log or an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_version: Literal["v1"] = Field("v1", alias="apiVersion")
    kind: Literal["Secret"] = "Secret"
    metadata: ObjectMeta
    type: str = "Opaque"
    immutable: bool = False
    data: Annotated[dict[DataKey, _Value], NULL_IS_ABSENT] = {}
    string_data: Annotated[dict[DataKey, SecretStr], NULL_IS_ABSENT] = Field({}, alias="stringData")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object) -> object:
        return without_nulls(data)

    def values(self) -> dict[str, bytes]:
        """The decoded values by key; ``stringData`` wins over ``data``, as in Kubernetes."""
        plain = {key: value.get_secret_value().encode() for key, value in self.string_data.items()}
        return {key: _decoded(value) for key, value in self.data.items()} | plain

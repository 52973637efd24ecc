"""What every type of the API is made of. Knows nothing of Models or RoleChains."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from auriga_api.rules import NULL_IS_ABSENT, VALIDATIONS, Rule, broken, matches

GROUP = "auriga.dev"
VERSION = "v1alpha1"
API_VERSION: Literal["auriga.dev/v1alpha1"] = "auriga.dev/v1alpha1"

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME_MESSAGE = "write a name of lower-case letters, digits and dashes, such as qwen3-8b"

Name = Annotated[str, Field(max_length=63), matches(_LABEL, _NAME_MESSAGE)]
"""The name of a Model or RoleChain: an RFC 1123 label, because it becomes part of the names of Services and Pods."""

SubdomainName = Annotated[
    str,
    Field(max_length=253),
    matches(
        rf"{_LABEL}(\.{_LABEL})*",
        "write the name of an object in this namespace: lower-case letters, digits, dashes and dots",
    ),
]
"""The name of any other object: an RFC 1123 subdomain."""

DataKey = Annotated[
    str,
    Field(max_length=253),
    matches("[-._a-zA-Z0-9]+", "write a key of its data: letters, digits and - . _ such as token"),
]
"""A key of a Secret or a ConfigMap."""

Locality = Literal["Cluster", "Cloud"]


class Schema(BaseModel):
    """A part of a resource: camelCase in YAML, snake_case here, immutable, unknown fields refused.

    Types are as strict as the API server's: ``"3"`` is no integer, and a field that is null is absent.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )
    rules: ClassVar[tuple[Rule[Any], ...]] = ()
    """What the fields must be to each other."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object) -> object:
        if not isinstance(data, dict) or None not in data.values():
            return data
        # An unknown field stays, null or not: it is refused by its name.
        known = {field.alias for field in cls.model_fields.values()} | cls.model_fields.keys()
        return {key: value for key, value in data.items() if value is not None or key not in known}

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        if errors := broken(self.rules, self):
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Itself: nobody may change it. Pydantic copies each default value for each object, which would double the
        time and the memory that an object takes."""
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json = handler(schema)
        if cls.rules:
            handler.resolve_ref_schema(json)[VALIDATIONS] = [rule.validation() for rule in cls.rules]
        return json


class SecretKeyRef(Schema):
    """One key of a Secret in the same namespace."""

    name: SubdomainName
    """Name of the Secret."""
    key: DataKey
    """Key in its data."""


class Condition(Schema):
    """One aspect of an object's state."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """The aspect, such as Ready."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, as one word for machines."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """Why, and what to do, for people."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The metadata.generation that this was found for."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] = ""
    """When status last changed."""


_LabelKey = Annotated[
    str,
    matches(
        r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "write the key as NAME or DOMAIN/NAME, such as example.com/team",
    ),
]
_LabelValue = Annotated[
    str,
    matches(
        "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "write a label of at most 63 letters, digits and - _ . between them",
    ),
]

METADATA_FIELDS = frozenset((
    "name", "namespace", "labels", "annotations", "uid", "generation", "resourceVersion", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "finalizers", "generateName", "managedFields",
    "ownerReferences", "selfLink",
))  # fmt: skip
"""All fields of Kubernetes' ObjectMeta."""


_OwnName = Annotated[str, Field(max_length=253), matches(rf"{_LABEL}(\.{_LABEL})*", _NAME_MESSAGE)]


class ObjectMeta(BaseModel):
    """The part of Kubernetes' ObjectMeta that Auriga reads; the rest is kept out of the way."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    name: _OwnName
    namespace: Name = "default"
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: Annotated[dict[_LabelKey, _LabelValue], NULL_IS_ABSENT] = {}
    annotations: Annotated[dict[_LabelKey, str], NULL_IS_ABSENT] = {}
    deletion_timestamp: str | None = None

    @property
    def key(self) -> str:
        """``namespace/name``: how objects are named everywhere inside."""
        return f"{self.namespace}/{self.name}"

"""Kubernetes quantities (``24Gi``, ``500m``) and durations (``1h30m``), as their YAML forms write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Annotated

import durationpy
from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from auriga_api.rules import Rule

QUANTITY = r"([0-9]{1,19}(\.[0-9]{0,9})?|\.[0-9]{1,9})([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?"
"""The quantities that the API takes: those of Kubernetes, without a sign and of a sane length."""
DURATION = r"([0-9]{1,5}(\.[0-9]{1,3})?(h|m|s|ms)){1,4}"
"""The durations that the API takes: those of the Gateway API (GEP-2257), and decimal fractions too."""

_NUMBER = re.compile(r"([0-9.]+)(.*)")
_SCALE = {
    **{unit: Decimal(1 << 10 * power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
    **{unit: Decimal(10) ** power for unit, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)},
    "": Decimal(1),
}
_SMALLEST, _LARGEST = Decimal(10) ** -9, Decimal((1 << 63) - 1)


def parse_quantity(text: str | int) -> Decimal:
    """The number that a quantity means, as Kubernetes has it: ``1Ki`` is 1024, ``500m`` is 0.5.

    Bounded by an int64 and rounded up to whole nano, as there. Raises ValueError with what to write instead.
    """
    if not re.fullmatch(QUANTITY, str(text)):
        raise ValueError(f"{text!r} is not a quantity: write a number with a unit, such as 24Gi or 500m")
    number, unit = _NUMBER.fullmatch(str(text)).groups()  # type: ignore[union-attr]  # it matched QUANTITY
    scale = _SCALE[unit] if unit in _SCALE else Decimal(10).scaleb(int(unit[1:]) - 1)
    with localcontext(prec=160):  # enough for every text that QUANTITY lets through
        return min((Decimal(number) * scale).quantize(_SMALLEST, ROUND_CEILING), _LARGEST)


def parse_duration(text: str) -> timedelta:
    """The time that a duration means: ``1h30m``, ``250ms``. Raises ValueError with what to write instead."""
    if not re.fullmatch(DURATION, text):
        raise ValueError(f"{text!r} is not a duration: write a number with a unit, such as 30s, 5m or 1h30m")
    return durationpy.from_str(text)


def seconds(text: str) -> float:
    """A duration in seconds."""
    return parse_duration(text).total_seconds()


@dataclass(frozen=True, slots=True)
class _IntOrString:
    """A field that takes ``2`` and ``"2"``, which is kept as it was written."""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # A pattern, although its message is no help: as a rule it would cost too much, because API servers before 1.34
        # ignore the maxLength of an int-or-string (https://github.com/kubernetes/kubernetes/pull/132837).
        return {"x-kubernetes-int-or-string": True, "maxLength": 40, "pattern": f"^({QUANTITY})$"}

    def _checked(self, value: object) -> str | int:
        if isinstance(value, str) or (type(value) is int and value <= _LARGEST):
            return value
        raise PydanticCustomError(
            "quantity_type", 'write a quantity such as 24Gi or 500m; one with a point in quotes: "0.5"'
        )


def _is_quantity(value: str | int) -> bool:
    return re.fullmatch(QUANTITY, str(value)) is not None


# string() makes one case of the two that an int-or-string is.
Quantity = Annotated[
    str | int,
    _IntOrString(),
    Rule(
        "isQuantity(string(self)) && !string(self).startsWith('-')",
        _is_quantity,
        "write a quantity of zero or more, such as 2, 500m or 24Gi",
    ),
]
"""Kept as it was written; ``parse_quantity`` gives its number."""

GpuMemory = Annotated[
    str | int,
    _IntOrString(),
    Rule(
        "isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('256Mi')) >= 0",
        lambda value: _is_quantity(value) and parse_quantity(value) >= parse_quantity("256Mi"),
        "write the memory of one GPU with its unit, such as 24Gi",
    ),
]
"""A quantity of memory. ``24`` would be 24 bytes: nobody means that."""

Duration = Annotated[
    str,
    Field(max_length=40),
    Rule(
        f"self.matches(r'^({DURATION})$') && duration(self) > duration('0s')",
        lambda text: re.fullmatch(DURATION, text) is not None and seconds(text) > 0,
        "write a time above zero with its unit, such as 500ms, 30s or 1h30m",
    ),
]
"""Kept as it was written; ``seconds`` gives its number."""

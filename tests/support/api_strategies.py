"""Objects of the API, made by hypothesis from the CRDs' own schemas: good, nearly good, and mutants of good ones."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from auriga_api import API_VERSION, Model, RoleChain
from auriga_api.crd import schema_of
from support.api_cases import VALID

Json = dict[str, Any]

_PATTERN = re.compile(r"self\)?\.matches\(r'\^(.*?)\$'\)")
_ODD_TEXTS = [
    "",
    " ",
    "a b",
    "A",
    "-a",
    "a/b",
    "../a",
    "/a",
    "~a",
    "true",
    "1",
    "0s",
    "1m",
    "1.5Gi",
    "a.b",
    "ü",
    "x\ny",
]
_ODD_LISTS_AND_MAPS = [[], {}, [None], ["a", "a"], {"a": 1}, [[]]]
_ODD_VALUES = [None, True, False, 0, 1, -1, 3.5, 2.0, 10**9, 2**63 - 1, "a", "1", "yes", *_ODD_LISTS_AND_MAPS]
_UNITS = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "e3", "E-2", "K", "B"]
# Without surrogates, which no UTF-8 can carry.
_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def specs(resource: type[Model | RoleChain]) -> st.SearchStrategy[Json]:
    """Objects of the right types; what the rules say of them is sometimes broken."""
    spec = schema_of(resource)["properties"]["spec"]
    return _value(spec).map(lambda fields: _object(resource.__name__, fields))


def quantities() -> st.SearchStrategy[str | int]:
    """Quantities as Kubernetes writes them, and some that it does not take."""
    number = st.from_regex(r"[0-9]{1,4}(\.[0-9]{0,3})?|\.[0-9]{1,3}|[0-9]{1,18}", fullmatch=True)
    return st.integers(-1, 2**40) | st.tuples(number, st.sampled_from(_UNITS)).map("".join)


@st.composite
def resources(draw: st.DrawFn) -> Json:
    """Models whose requests and limits are sometimes the same, sometimes not."""
    names = st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "hugepages-2Mi"])
    sides = {side: draw(st.dictionaries(names, quantities(), max_size=2)) for side in ("requests", "limits")}
    return _object("Model", {"source": {"file": {"path": "a.gguf"}}, "resources": sides})


@st.composite
def mutants(draw: st.DrawFn) -> Json:
    """One of the valid examples, with one thing in its spec replaced, removed, added or doubled."""
    item = copy.deepcopy(draw(st.sampled_from(VALID)).object)
    holder, key = draw(st.sampled_from(list(_places(item["spec"]))))
    how = draw(st.sampled_from(["replace", "remove", "add", "double"]))
    if how == "remove":
        del holder[key]
    elif how == "add" and isinstance(holder, dict):
        holder[draw(st.sampled_from(["extra", "on", "model", "name", "url"]))] = draw(st.sampled_from(_ODD_VALUES))
    elif how == "double" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[key] = draw(st.sampled_from(_ODD_VALUES) | st.sampled_from(_ODD_TEXTS))
    return item


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) in a value, but for what a PodSpec holds, which nobody checks here."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        if key != "podTemplate":
            yield from _places(value[key])


def _object(kind: str, spec: Json) -> Json:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "generated"}, "spec": spec}


def _value(schema: Json) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return quantities()
    return _BY_TYPE[schema["type"]](schema)


def _fields(schema: Json) -> st.SearchStrategy[Any]:
    if "additionalProperties" in schema:
        keys = st.sampled_from(["cpu", "memory", "nvidia.com/gpu", "x-team", "Api-Key", "A"])
        return st.dictionaries(keys, _value(schema["additionalProperties"]), max_size=3)
    if "properties" not in schema:
        return st.just({"nodeSelector": {"a": None}})
    parts = {name: _value(part) for name, part in schema["properties"].items()}
    required = {name: parts.pop(name) for name in schema.get("required", ())}
    if {"source", "external"} <= parts.keys():
        return _either(parts, parts.pop("source"), parts.pop("external"))
    if parts.keys() >= {"huggingFace", "url"}:
        return st.one_of([st.fixed_dictionaries({name: part}) for name, part in parts.items()])
    return st.fixed_dictionaries(required, optional=parts)


def _either(parts: Json, source: st.SearchStrategy[Any], external: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Most specs with all fields would fail at the first rule, and so tell nothing of the others."""
    common = {name: parts[name] for name in ("pricing", "limits", "timeouts", "tags", "capabilities", "replicas")}
    served = st.fixed_dictionaries({"source": source}, optional=parts)
    return served | st.fixed_dictionaries({"external": external}, optional=common)


def _items(schema: Json) -> st.SearchStrategy[Any]:
    return st.lists(_value(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)


def _texts(schema: Json) -> st.SearchStrategy[str]:
    rules = [rule["rule"] for rule in schema.get("x-kubernetes-validations", ())]
    patterns = [re.compile(pattern, re.ASCII) for rule in rules for pattern in _PATTERN.findall(rule)]
    good = [st.from_regex(pattern, fullmatch=True) for pattern in patterns] or [st.sampled_from(["a", "a/b.gguf"])]
    longest = schema.get("maxLength", 100) + 1
    odd = st.sampled_from(_ODD_TEXTS) | _ANY_TEXT
    return _mostly(st.one_of(good), odd).map(lambda text: text[:longest])


def _integers(schema: Json) -> st.SearchStrategy[int]:
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
    return _mostly(st.integers(low, min(high, low + 10)) | st.just(high), st.sampled_from([low - 1, high + 1]))


def _mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in forty is odd: an object has some twenty fields, and one odd field hides what is said of the others."""
    return st.sampled_from(range(40)).flatmap(lambda number: odd if number == 20 else usual)


_BY_TYPE: dict[str, Callable[[Json], st.SearchStrategy[Any]]] = {
    "object": _fields,
    "array": _items,
    "string": _texts,
    "integer": _integers,
    "boolean": lambda _: st.booleans(),
}

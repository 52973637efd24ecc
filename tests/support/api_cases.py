"""What the API takes and what it refuses: the same objects for pydantic and for a real API server.

They stand in api_valid.yaml and api_invalid.yaml, each as a name and a spec beside its kind, as a user writes it:

    - name: two sources
      Model: {source: {file: {path: a.gguf}}, external: {provider: openai}}
      said: what `auriga check` says
      server: what the API server says, where that differs
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from auriga_api import API_VERSION


@dataclass(frozen=True)
class Case:
    """One object, and the words with which it is refused."""

    name: str
    object: dict[str, Any]
    said: str
    server: str

    def __str__(self) -> str:
        return self.name


def _case(entry: dict[str, Any]) -> Case:
    kind = "Model" if "Model" in entry else "RoleChain"
    whole = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": entry.get("metadata", {"name": "case"}),
        "spec": entry[kind],
        **entry.get("beside", {}),
    }
    item = {key: value for key, value in whole.items() if key not in entry.get("without", ())}
    said = entry.get("said", "")
    return Case(entry["name"], item, said, entry.get("server", said))


def _read(file: str) -> list[Case]:
    return [_case(entry) for entry in yaml.safe_load(Path(__file__).with_name(file).read_text())]


VALID = _read("api_valid.yaml")
INVALID = _read("api_invalid.yaml")

"""``auriga crds``: the API's own definitions, for a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auriga_cli import console
from auriga_cli.exit_codes import ExitCode


def crds(
    output_dir: Annotated[
        Path | None, typer.Option("--output-dir", metavar="DIR", help="Write one file for each kind into DIR.")
    ] = None,
) -> None:
    """Print the CustomResourceDefinitions of Model and RoleChain.

    They are made from the same types that this command checks manifests with.
    """
    from auriga_api.crd import crd_yaml

    definitions = crd_yaml()
    if output_dir is None:
        for text in definitions.values():
            console.write(_document(text))
        return
    try:
        _write(output_dir, definitions)
    except OSError as error:
        console.fail(ExitCode.ENVIRONMENT, f"--output-dir {output_dir}: {error.strerror or error}")


def _document(text: str) -> str:
    return text if text.startswith("---\n") else f"---\n{text}"


def _write(folder: Path, definitions: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in definitions.items():
        (folder / name).write_text(text, encoding="utf-8")
        console.err.print(str(folder / name))

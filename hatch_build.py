"""Compiles the router's hot modules into the wheel with mypyc. Their source stays in it, and works without.

A wheel is compiled where mypy, setuptools and a C compiler are at hand. AURIGA_BUILD=compiled makes their absence an
error, AURIGA_BUILD=pure leaves it be. Editable installs and the sdist are pure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MYPY = "[mypy]\nfollow_imports = silent\nignore_missing_imports = True\nmypy_path = {types}\n"
_SETUP = """\
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(["--config-file", *sys.argv[1:]], opt_level="3")
setup(name="auriga", packages=[], ext_modules=modules, script_args=["--quiet", "build_ext", "--build-lib", "built"])
"""


class CompiledRouter(BuildHookInterface[Any]):
    """hatchling's hook around the making of a wheel."""

    _work: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled modules to a wheel."""
        wanted = os.environ.get("AURIGA_BUILD", "")
        if wanted not in ("", "pure", "compiled"):
            raise ValueError(f"AURIGA_BUILD={wanted}: write pure or compiled")
        if version == "editable" or wanted == "pure":
            return
        lacking = missing()
        if lacking and wanted:
            raise RuntimeError(f"the router cannot be compiled, there is no {' and no '.join(lacking)}")
        if lacking:
            self.app.display_warning(f"there is no {' and no '.join(lacking)}: this wheel's router is not compiled")
            return
        self._work = Path(tempfile.mkdtemp(prefix="auriga-mypyc-"))
        built = compiled(Path(self.root), self.config["modules"], self._work)
        build_data["force_include"] |= {str(file): str(file.relative_to(built)) for file in sorted(built.rglob("*.so"))}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        if self._work is not None:
            shutil.rmtree(self._work)


def missing() -> list[str]:
    """What compiling needs and is not there."""
    lacking = [name for name in ("mypy", "setuptools") if find_spec(name) is None]
    compilers = (os.environ.get("CC", "cc").split()[0], "gcc", "clang")
    return lacking if any(map(shutil.which, compilers)) else [*lacking, "C compiler"]


def compiled(root: Path, modules: list[str], work: Path) -> Path:
    """The folder with what mypyc made of these modules of the router. Raises RuntimeError with what it said."""
    (work / "mypy.ini").write_text(_MYPY.format(types=root / "crds"))
    (work / "setup.py").write_text(_SETUP)
    command = [sys.executable, "setup.py", "mypy.ini", *(str(root / "router" / module) for module in modules)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mypyc refused the router's modules:\n{done.stdout}{done.stderr}")
    return work / "built"

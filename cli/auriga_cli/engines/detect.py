"""Finds an engine on this machine. What it looks with is passed in, so that every case can be tested anywhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from auriga_cli.engines.engine import Engine, llama_cpp_python, llama_server, xllamacpp

INSTALL = "install one with: pip install 'auriga[local]'"


class NoEngineError(Exception):
    """This machine has no engine, or not the one that was asked for. The message says what to do."""


def detect(
    wanted: str = "auto",
    which: Callable[[str], str | None] = shutil.which,
    installed: Callable[[str], str | None] | None = None,
) -> Engine:
    """The engine to use: a llama-server binary, else the embedded llama.cpp, else llama-cpp-python's server.

    ``wanted`` is ``auto``, a name of those, or the path of a binary. ``installed`` gives the version of an importable
    module, or None. Raises NoEngineError.
    """
    find = installed or _installed
    if wanted in ("auto", "llama-server") and (path := which("llama-server")):
        return llama_server(path)
    if wanted in ("auto", "xllamacpp") and (found := find("xllamacpp")) is not None:
        return xllamacpp(found)
    if wanted in ("auto", "llama-cpp-python") and (found := find("llama_cpp.server")) is not None:
        return llama_cpp_python(found)
    return _named(wanted, which)


def _named(wanted: str, which: Callable[[str], str | None]) -> Engine:
    if wanted == "auto":
        raise NoEngineError(f"no llama-server on PATH, no xllamacpp and no llama-cpp-python: {INSTALL}")
    if wanted == "llama-server":
        raise NoEngineError(f"no llama-server on PATH: give its path with --engine, or {INSTALL}")
    if wanted in ("xllamacpp", "llama-cpp-python"):
        extra = "local" if wanted == "xllamacpp" else "llama-cpp"
        raise NoEngineError(f"{wanted} is not installed: pip install 'auriga[{extra}]'")
    if path := which(os.path.expanduser(wanted)):
        return llama_server(os.path.abspath(path))
    raise NoEngineError(f"--engine {wanted}: no such program, or it may not be executed; auto takes what is installed")


def _installed(module: str) -> str | None:
    package = module.partition(".")[0]
    # find_spec of a submodule would import the package around it, which loads all of llama.cpp.
    if find_spec(package) is None or ("." in module and find_spec("uvicorn") is None):
        return None
    try:
        return version(package.replace("_cpp", "-cpp-python"))
    except PackageNotFoundError:
        return ""

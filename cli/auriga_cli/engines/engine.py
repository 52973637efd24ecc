"""Which engine runs, as a value, and its command line. Pure: finding one is `detect`'s work."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from auriga_cli.engines import embedded_options
from auriga_cli.engines.launch import HOST, Launch

Kind = Literal["llama-server", "xllamacpp", "llama-cpp-python"]

PROMPT_CACHE_MIB = 1024
"""llama-server keeps up to 8 GiB of old prompts in memory by default: too much for several of them on one machine."""

_KEYS = frozenset({"LLAMA_API_KEY", "LLAMA_ARG_API_KEY_FILE", "LLAMA_ARG_API_PREFIX", "API_KEY", "CONFIG_FILE"})
"""Inherited from the user's shell, these would lock the router out. llama-cpp-python's server reads the last two."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that this machine has. ``program`` is how its command line begins."""

    kind: Kind
    program: tuple[str, ...]
    version: str = ""

    @property
    def health(self) -> str:
        """The path that answers 200 once the weights are loaded."""
        return "/v1/models" if self.kind == "llama-cpp-python" else "/health"

    def __str__(self) -> str:
        where = f" ({self.program[0]})" if self.kind == "llama-server" else ""
        return " ".join(part for part in (self.kind, self.version) if part) + where


def llama_server(path: str) -> Engine:
    """llama.cpp's own server binary."""
    return Engine("llama-server", (path,))


def xllamacpp(version: str = "") -> Engine:
    """llama.cpp's own server code, in a Python process of its own."""
    return Engine("xllamacpp", (sys.executable, "-m", "auriga_cli.engines.embedded"), version)


def llama_cpp_python(version: str = "") -> Engine:
    """llama-cpp-python's server: one request at a time, and none of llama-server's own paths."""
    return Engine("llama-cpp-python", (sys.executable, "-m", "auriga_cli.engines.llama_cpp_server"), version)


def argv(engine: Engine, launch: Launch) -> list[str]:
    """The whole command line that serves ``launch``."""
    if engine.kind == "llama-cpp-python":
        return [*engine.program, *_llama_cpp_python(launch)]
    own = ["--cache-ram", str(PROMPT_CACHE_MIB), "--cors-origins", "localhost"] if engine.kind == "xllamacpp" else []
    return [*engine.program, *_llama_server(launch), *own, *launch.args]


def environment(engine: Engine, inherited: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The engine's environment: what we run in, less what would lock the router out, plus the Model's ``own``."""
    kept = {name: value for name, value in inherited.items() if name not in _KEYS}
    if engine.kind == "llama-server":
        # As variables and not as flags: a binary of an older build ignores the variable and would refuse the flag.
        kept |= {"LLAMA_ARG_CACHE_RAM": str(PROMPT_CACHE_MIB), "LLAMA_ARG_CORS_ORIGINS": "localhost"}
    return {**kept, "PYTHONUNBUFFERED": "1", **own}


def unsupported(engine: Engine, args: tuple[str, ...]) -> str:
    """Why this engine cannot take ``args``, known before it is started; "" if nothing is known against them."""
    if engine.kind == "xllamacpp":
        return embedded_options.unsupported(args)
    return ""


def _llama_server(launch: Launch) -> list[str]:
    # llama-server divides its context by its slots.
    context = launch.context_length * launch.parallel
    line = ["--model", launch.weights, "--alias", launch.alias, "--host", HOST, "--port", str(launch.port)]
    line += ["--ctx-size", str(context), "--parallel", str(launch.parallel)]
    line += ["--metrics", "--slots", "--jinja", "--no-webui"]
    if launch.gpu_layers is not None:
        line += ["--gpu-layers", str(launch.gpu_layers)]
    if launch.embeddings:
        line += ["--embeddings"]
    return line


def _llama_cpp_python(launch: Launch) -> list[str]:
    line = ["--model", launch.weights, "--model_alias", launch.alias, "--host", HOST, "--port", str(launch.port)]
    line += ["--n_ctx", str(launch.context_length)]
    if launch.gpu_layers is not None:
        line += ["--n_gpu_layers", str(launch.gpu_layers)]
    if launch.embeddings:
        line += ["--embedding", "true"]
    return [*line, *launch.args]

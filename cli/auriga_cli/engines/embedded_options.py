"""llama-server's options that the embedded engine takes too, and what each sets on xllamacpp's CommonParams.

Pure: xllamacpp is not imported, so that a wrong argument is found before any process is started. Names and meanings are
those of llama-server; a value that is one of an enum's names is an `EnumName` until the child looks it up.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True)
class EnumName:
    """A value of one of xllamacpp's enums: ``getattr(getattr(xllamacpp, enum), name)``."""

    enum: str
    name: str


class OptionError(ValueError):
    """An option that the embedded engine does not know, or a value that it does not take."""


def parse(args: Sequence[str]) -> dict[str, Any]:
    """The settings that ``args`` ask for: attribute path of CommonParams -> value. Raises OptionError."""
    known, unknown = _parser().parse_known_args(list(args))
    if unknown:
        raise OptionError(
            f"xllamacpp, the embedded engine, does not take {unknown[0]}: leave it out, or install llama-server,"
            " which takes every option (`auriga up` prefers one that is on PATH; --engine names another)"
        )
    settings = vars(known)
    if "cpuparams.n_threads" in settings:
        # As llama-server does it: --threads-batch is --threads unless it is given.
        settings.setdefault("cpuparams_batch.n_threads", settings["cpuparams.n_threads"])
    return settings


def unsupported(args: Sequence[str]) -> str:
    """What is wrong with ``args``, or ""."""
    try:
        parse(args)
    except OptionError as error:
        return f"spec.engine.args: {error}"
    return ""


def _enum(enum: str, prefix: str, *names: str, **renamed: str) -> Callable[[str], EnumName]:
    def convert(text: str) -> EnumName:
        if text not in names and text not in renamed:
            raise argparse.ArgumentTypeError(f"write one of {', '.join((*names, *renamed))}")
        return EnumName(enum, prefix + renamed.get(text, text.upper()))

    return convert


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from error


_CACHE = _enum("ggml_type", "GGML_TYPE_", "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
_LOAD = _enum(
    "llama_load_mode",
    "LLAMA_LOAD_MODE_",
    "auto",
    "none",
    "mmap",
    "mlock",
    **{"mmap+mlock": "MMAP_MLOCK", "dio": "DIRECT_IO"},
)
_FLASH = _enum("llama_flash_attn_type", "LLAMA_FLASH_ATTN_TYPE_", "auto", on="ENABLED", off="DISABLED")
_POOLING = _enum("llama_pooling_type", "LLAMA_POOLING_TYPE_", "none", "mean", "cls", "last", "rank")
_ROPE = _enum("llama_rope_scaling_type", "LLAMA_ROPE_SCALING_TYPE_", "none", "linear", "yarn")
_SPLIT = _enum("llama_split_mode", "LLAMA_SPLIT_MODE_", "none", "layer", "row")
_NUMA = _enum("ggml_numa_strategy", "GGML_NUMA_STRATEGY_", "distribute", "isolate", "numactl")
_REASONING = _enum(
    "common_reasoning_format",
    "COMMON_REASONING_FORMAT_",
    "none",
    "auto",
    "deepseek",
    **{"deepseek-legacy": "DEEPSEEK_LEGACY"},
)

_VALUES: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("--model -m", str, "model.path"),
    ("--alias -a", str, "model_alias"),
    ("--host", str, "hostnames"),
    ("--port", int, "port"),
    ("--ctx-size -c", int, "n_ctx"),
    ("--parallel -np", int, "n_parallel"),
    ("--gpu-layers --n-gpu-layers -ngl", int, "n_gpu_layers"),
    ("--threads -t", int, "cpuparams.n_threads"),
    ("--threads-batch -tb", int, "cpuparams_batch.n_threads"),
    ("--threads-http", int, "n_threads_http"),
    ("--batch-size -b", int, "n_batch"),
    ("--ubatch-size -ub", int, "n_ubatch"),
    ("--n-predict --predict -n", int, "n_predict"),
    ("--keep", int, "n_keep"),
    ("--cache-type-k -ctk", _CACHE, "cache_type_k"),
    ("--cache-type-v -ctv", _CACHE, "cache_type_v"),
    ("--cache-ram -cram", int, "cache_ram_mib"),
    ("--cache-reuse", int, "n_cache_reuse"),
    ("--ctx-checkpoints -ctxcp", int, "n_ctx_checkpoints"),
    ("--flash-attn -fa", _FLASH, "flash_attn_type"),
    ("--load-mode -lm", _LOAD, "load_mode"),
    ("--pooling", _POOLING, "pooling_type"),
    ("--split-mode -sm", _SPLIT, "split_mode"),
    ("--main-gpu -mg", int, "main_gpu"),
    ("--numa", _NUMA, "numa"),
    ("--rope-scaling", _ROPE, "rope_scaling_type"),
    ("--rope-freq-base", float, "rope_freq_base"),
    ("--rope-freq-scale", float, "rope_freq_scale"),
    ("--yarn-orig-ctx", int, "yarn_orig_ctx"),
    ("--chat-template", str, "chat_template"),
    ("--chat-template-file", _text_of, "chat_template"),
    ("--reasoning-format", _REASONING, "reasoning_format"),
    ("--mmproj -mm", str, "mmproj.path"),
    ("--seed -s", int, "sampling.seed"),
    ("--temp --temperature", float, "sampling.temp"),
    ("--top-k", int, "sampling.top_k"),
    ("--top-p", float, "sampling.top_p"),
    ("--min-p", float, "sampling.min_p"),
    ("--repeat-penalty", float, "sampling.penalty_repeat"),
    ("--slot-prompt-similarity -sps", float, "slot_prompt_similarity"),
    ("--slot-save-path", str, "slot_save_path"),
    ("--cors-origins", str, "cors_origins"),
    ("--timeout -to", int, "timeout_read"),
    ("--log-verbosity --verbosity -lv", int, "verbosity"),
)  # fmt: skip

_FLAGS: tuple[tuple[str, Any, str], ...] = (
    ("--metrics", True, "endpoint_metrics"),
    ("--slots", True, "endpoint_slots"),
    ("--props", True, "endpoint_props"),
    ("--jinja", True, "use_jinja"),
    ("--no-jinja", False, "use_jinja"),
    ("--no-webui --no-ui", False, "ui"),
    ("--embeddings --embedding", True, "embedding"),
    ("--context-shift", True, "ctx_shift"),
    ("--no-context-shift", False, "ctx_shift"),
    ("--warmup", True, "warmup"),
    ("--no-warmup", False, "warmup"),
    ("--kv-unified -kvu", True, "kv_unified"),
    ("--no-kv-unified -no-kvu", False, "kv_unified"),
    ("--no-kv-offload -nkvo", True, "no_kv_offload"),
    ("--no-cont-batching -nocb", False, "cont_batching"),
    ("--no-cache-prompt", False, "cache_prompt"),
    ("--no-prefill-assistant", False, "prefill_assistant"),
    ("--swa-full", True, "swa_full"),
    ("--special -sp", True, "special"),
    ("--check-tensors", True, "check_tensors"),
    ("--no-mmap", EnumName("llama_load_mode", "LLAMA_LOAD_MODE_NONE"), "load_mode"),
    ("--mlock", EnumName("llama_load_mode", "LLAMA_LOAD_MODE_MLOCK"), "load_mode"),
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="engine", add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for names, convert, path in _VALUES:
        parser.add_argument(*names.split(), dest=path, type=convert)
    for names, value, path in _FLAGS:
        parser.add_argument(*names.split(), dest=path, action="store_const", const=value)
    return parser

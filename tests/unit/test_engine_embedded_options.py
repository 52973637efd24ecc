"""llama-server's options, as the embedded engine takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import xllamacpp

from auriga_cli.engines import embedded_options
from auriga_cli.engines.embedded_options import EnumName, OptionError, parse, unsupported
from auriga_cli.engines.engine import argv
from auriga_cli.engines.engine import xllamacpp as embedded
from auriga_cli.engines.launch import Launch


def test_everything_that_we_start_it_with_is_known() -> None:
    launch = Launch("m", "m.gguf", 1, context_length=64, parallel=2, gpu_layers=0, embeddings=True)
    settings = parse(argv(embedded(), launch)[3:])
    assert settings["model.path"] == "m.gguf"
    assert settings["n_ctx"] == 128
    assert settings["embedding"] is True
    assert settings["ui"] is False


def test_every_setting_exists_in_the_installed_xllamacpp() -> None:
    """Drift of the wheel shows here, not at a user's."""
    params = xllamacpp.CommonParams()
    paths = [path for *_, path in (*embedded_options._VALUES, *embedded_options._FLAGS)]
    for path in paths:
        target = params
        for name in path.split("."):
            assert hasattr(target, name), path
            target = getattr(target, name)


@pytest.mark.parametrize(
    ("args", "setting", "value"),
    [
        (["-fa", "on"], "flash_attn_type", EnumName("llama_flash_attn_type", "LLAMA_FLASH_ATTN_TYPE_ENABLED")),
        (["-ctk", "q8_0"], "cache_type_k", EnumName("ggml_type", "GGML_TYPE_Q8_0")),
        (["-ctv", "iq4_nl"], "cache_type_v", EnumName("ggml_type", "GGML_TYPE_IQ4_NL")),
        (["--no-mmap"], "load_mode", EnumName("llama_load_mode", "LLAMA_LOAD_MODE_NONE")),
        (["--load-mode", "dio"], "load_mode", EnumName("llama_load_mode", "LLAMA_LOAD_MODE_DIRECT_IO")),
        (["--pooling", "mean"], "pooling_type", EnumName("llama_pooling_type", "LLAMA_POOLING_TYPE_MEAN")),
        (["--reasoning-format", "deepseek-legacy"], "reasoning_format",
         EnumName("common_reasoning_format", "COMMON_REASONING_FORMAT_DEEPSEEK_LEGACY")),
        (["--numa", "isolate"], "numa", EnumName("ggml_numa_strategy", "GGML_NUMA_STRATEGY_ISOLATE")),
        (["--keep", "-1"], "n_keep", -1),
        (["-t", "3"], "cpuparams_batch.n_threads", 3),
        (["-t", "3", "-tb", "5"], "cpuparams_batch.n_threads", 5),
        (["--temp", "0.5"], "sampling.temp", 0.5),
    ],
)  # fmt: skip
def test_values(args: list[str], setting: str, value: object) -> None:
    assert parse(args)[setting] == value
    if isinstance(value, EnumName):
        assert hasattr(getattr(xllamacpp, value.enum), value.name)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--model-draft", "x"], "does not take --model-draft"),
        (["--threads", "many"], "--threads"),
        (["--flash-attn", "perhaps"], "on"),
        (["--threads"], "expected one argument"),
        (["--chat-template-file", "/no/such/file"], "/no/such/file cannot be read"),
        (["--thread", "3"], "does not take --thread"),
    ],
)
def test_what_it_does_not_take_is_said_in_one_line(args: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse(args)
    assert "\n" not in unsupported(args)


def test_a_chat_template_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "chat.jinja").write_text("{{ messages }}")
    assert parse(["--chat-template-file", str(tmp_path / "chat.jinja")])["chat_template"] == "{{ messages }}"

"""The header of a GGUF file: its facts, its speed, and what is said of files that are none."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import gguf
import numpy as np
import pytest

from auriga_operator.weights import gguf_header
from auriga_operator.weights.errors import Reason, WeightsError
from support.gguf_files import CHAT_TEMPLATE, tiny_gguf


def failure(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        gguf_header.read(path)
    assert caught.value.reason is Reason.NOT_GGUF
    assert str(path) in caught.value.message
    return caught.value.message


def header_only(path: Path, **arrays: list[object]) -> Path:
    """A model without tensors, with the given lists in its header."""
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    for key, values in arrays.items():
        writer.add_array(key.replace("__", "."), values)
    writer.add_context_length(40960)  # after the lists: they must have been stepped over exactly
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", context_length=4096)
    header = gguf_header.read(path)
    assert (header.architecture, header.name, header.quantization) == ("llama", "tiny-random", "F32")
    assert (header.context_length, header.parameters, header.block_count) == (4096, 127808, 2)
    assert (header.embedding_length, header.head_count, header.head_count_kv) == (64, 4, (4,))
    assert header.chat_template == CHAT_TEMPLATE
    assert header.shards == 1
    assert header.bytes_needed == path.stat().st_size


def test_gguf_reads_the_same_without_our_shortcuts(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf", vocab=2000)
    plain = gguf.GGUFReader(path)
    header = gguf_header.read(path)
    assert header.parameters == sum(int(tensor.n_elements) for tensor in plain.tensors)
    assert header.bytes_needed == max(tensor.data_offset + tensor.n_bytes for tensor in plain.tensors)
    assert header.context_length == plain.fields["llama.context_length"].contents()


def test_shards_know_how_many_they_are(tmp_path: Path) -> None:
    first = tiny_gguf(tmp_path / "tiny.gguf", shards=3)
    headers = [gguf_header.read(path) for path in sorted(tmp_path.glob("tiny-*"))]
    assert [header.shards for header in headers] == [3, 3, 3]
    assert sum(header.parameters for header in headers) == 127808
    assert gguf_header.read(first).architecture == "llama"


def test_a_long_vocabulary_costs_a_fraction_of_reading_it(tmp_path: Path) -> None:
    path = header_only(
        tmp_path / "m.gguf",
        tokenizer__ggml__tokens=[f"token{number}" for number in range(20_000)],
        tokenizer__ggml__merges=[f"a{number} b{number}" for number in range(20_000)],
        tokenizer__ggml__token_type=[1] * 20_000,
    )
    started = time.process_time()
    header = gguf_header.read(path)
    ours = time.process_time() - started
    started = time.process_time()
    gguf.GGUFReader(path)
    theirs = time.process_time() - started
    assert (header.architecture, header.quantization, header.context_length) == ("qwen3", "Q4_K_M", 40960)
    assert ours < theirs / 5


def test_short_lists_are_read_and_long_ones_of_every_type_stepped_over(tmp_path: Path) -> None:
    long = gguf_header.LONG_LIST + 1
    path = header_only(
        tmp_path / "m.gguf",
        qwen3__attention__head_count_kv=[8, 0, 8],
        a__floats=[0.5] * long,
        a__bools=[True] * long,
        a__texts=["ü"] * long,
    )
    header = gguf_header.read(path)
    assert header.head_count_kv == (8, 0, 8)
    assert header.context_length == 40960


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "(is empty, 0 B)"),
        (b"<!doctype html>", "(an HTML page, 15 B)"),
        (b"\x80\x02}q\x00", "starts with b'\\x80\\x02}q'"),
        (b"GGUF\x03", "cut short after 5 bytes"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "GGUF version 9, and 2 and 3 are understood"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 5), "damaged GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 2**60) + b"\xff" * 64, "damaged GGUF file"),
    ],
)
def test_what_is_no_gguf_is_told_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    assert says in failure(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_file_that_is_cut_short_is_seen_wherever_it_ends(tmp_path: Path, share: float) -> None:
    path = tiny_gguf(tmp_path / "tiny.gguf")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut short" in failure(path) or "damaged" in failure(path)


def test_a_big_endian_file_is_read_too(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "be.gguf", "llama", endianess=gguf.GGUFEndian.BIG)
    writer.add_array("a.texts", ["x"] * (gguf_header.LONG_LIST + 1))
    writer.add_context_length(512)
    writer.add_tensor("t", np.ones((32, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    header = gguf_header.read(tmp_path / "be.gguf")
    assert (header.context_length, header.parameters) == (512, 64)

"""What a GGUF file says of itself, read from its header alone: milliseconds, whatever the size of file and vocabulary.

``gguf`` reads the format. Its reader makes several arrays for each entry of a list, which takes seconds for a
vocabulary of 150,000 tokens; ours steps over long lists, since nothing in them is asked for.
"""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType, Keys, LlamaFileType
from gguf.gguf_reader import READER_SUPPORTED_VERSIONS, ReaderField

from auriga_operator.weights import text
from auriga_operator.weights.errors import Reason, WeightsError

MAGIC = b"GGUF"
# What gguf raises for a broken file is whatever its parsing stumbled over.
_BROKEN = (ValueError, KeyError, IndexError, TypeError, OverflowError, struct.error, UnicodeDecodeError)
LONG_LIST = 1024
"""Lists above this are stepped over. What models keep per layer is far shorter, vocabularies are longer."""


@dataclass(frozen=True, slots=True)
class Header:
    """The facts about one GGUF file; 0 or empty where it does not tell."""

    architecture: str
    name: str
    quantization: str
    context_length: int
    parameters: int
    block_count: int
    embedding_length: int
    head_count: int
    head_count_kv: tuple[int, ...]
    """One number for each layer, or one for all."""
    key_length: int
    value_length: int
    chat_template: str
    shards: int
    bytes_needed: int
    """How long the file must be to hold all its tensors."""


def read(path: Path) -> Header:
    """The header of ``path``. Raises WeightsError (NotGguf) for what is no GGUF, a newer version, or cut short."""
    size = path.stat().st_size
    _check_start(path, size)
    try:
        header = _header(_HeaderReader(path))
    except _BROKEN as error:
        raise WeightsError(Reason.NOT_GGUF, f"{path} is a damaged GGUF file: its header cannot be read") from error
    if header.bytes_needed > size:
        raise WeightsError(
            Reason.NOT_GGUF,
            f"{path} is cut short: its header tells of {text.size(header.bytes_needed)} and it has {text.size(size)}; "
            "delete it and fetch it again",
        )
    return header


def read_beginning(path: Path) -> Header | None:
    """What a file says of which only the beginning is here; None when that is too little. Raises WeightsError."""
    _check_start(path, path.stat().st_size)
    try:
        return _header(_BeginningReader(path))
    except _BROKEN:
        return None


def _check_start(path: Path, size: int) -> None:
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] != MAGIC:
        kind = "an HTML page" if start.lstrip()[:1] == b"<" else f"starts with {start[:4]!r}" if start else "is empty"
        what = f"{path} is no GGUF file ({kind}, {text.size(size)}): name a file that ends in .gguf"
        raise WeightsError(Reason.NOT_GGUF, what)
    if len(start) < 8:
        raise WeightsError(Reason.NOT_GGUF, f"{path} is cut short after {size} bytes: delete it and fetch it again")
    version = min(struct.unpack("<I", start[4:])[0], struct.unpack(">I", start[4:])[0])
    if version not in READER_SUPPORTED_VERSIONS:
        known = " and ".join(str(number) for number in READER_SUPPORTED_VERSIONS)
        raise WeightsError(
            Reason.NOT_GGUF,
            f"{path} is GGUF version {version}, and {known} are understood: update Auriga or convert it",
        )


class _HeaderReader(GGUFReader):
    """GGUFReader that steps over long lists and leaves tensors where they are."""

    parameters = 0
    bytes_needed = 0
    data: Any  # a memory map; as a buffer, which its annotation upstream does not say

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> tuple[int, list[Any], list[int], list[GGUFValueType]]:
        if raw_type == GGUFValueType.ARRAY:
            item_type, length = struct.unpack_from(self._struct("IQ"), self.data, orig_offs)
            if length > LONG_LIST:
                end = self._skip(orig_offs + 12, GGUFValueType(item_type), length)
                return end - orig_offs, [], [], [GGUFValueType.ARRAY]
        return super()._get_field_parts(orig_offs, raw_type)

    def _skip(self, offset: int, item_type: GGUFValueType, length: int) -> int:
        scalar = self.gguf_scalar_to_np.get(item_type)
        if scalar is not None:
            return offset + int(np.dtype(scalar).itemsize) * length
        if item_type != GGUFValueType.STRING:
            raise ValueError(f"a list of {item_type.name}")
        unpack_from, data = struct.Struct(self._struct("Q")).unpack_from, memoryview(self.data)
        for _ in range(length):
            offset += 8 + unpack_from(data, offset)[0]
        return offset

    def _struct(self, fields: str) -> str:
        # "I" is this machine's order, "S" the other one.
        return ("<" if (self.byte_order == "I") == (sys.byteorder == "little") else ">") + fields

    def _build_tensors(self, start_offs: int, fields: list[ReaderField]) -> None:
        for field in fields:
            _, _, _, dims, raw_type, offset = field.parts
            elements = int(np.prod(dims, dtype=object))
            block_size, type_size = GGML_QUANT_SIZES[GGMLQuantizationType(raw_type[0])]
            self.parameters += elements
            end = start_offs + int(offset[0]) + elements * type_size // block_size
            self.bytes_needed = max(self.bytes_needed, end)


class _TokenizerReachedError(Exception):
    """Where the model's shape has been told, and megabytes of vocabulary begin."""


class _BeginningReader(_HeaderReader):
    """Reads up to the vocabulary, and no tensors."""

    def _push_field(self, field: ReaderField, skip_sum: bool = False) -> int:
        shaped = any(name.endswith(".block_count") for name in self.fields)
        if field.name.startswith("tokenizer.") and shaped:
            raise _TokenizerReachedError
        return super()._push_field(field, skip_sum)

    def _build_fields(self, offs: int, count: int) -> int:
        try:
            return super()._build_fields(offs, count)
        except _TokenizerReachedError:
            return offs

    def _build_tensor_info(self, offs: int, count: int) -> tuple[int, list[ReaderField]]:
        return offs, []


def _header(reader: _HeaderReader) -> Header:
    def value(key: str, default: Any) -> Any:  # noqa: ANN401 - a field is a text, a number or a list of either
        field = reader.get_field(key.format(arch=architecture))
        return default if field is None or not field.data else field.contents()

    architecture = ""
    architecture = value(Keys.General.ARCHITECTURE, "")
    heads_kv = value(Keys.Attention.HEAD_COUNT_KV, ())
    heads = value(Keys.Attention.HEAD_COUNT, 0)
    return Header(
        architecture=architecture,
        name=value(Keys.General.NAME, ""),
        quantization=_file_type(value(Keys.General.FILE_TYPE, None)),
        context_length=value(Keys.LLM.CONTEXT_LENGTH, 0),
        parameters=reader.parameters,
        block_count=value(Keys.LLM.BLOCK_COUNT, 0),
        embedding_length=value(Keys.LLM.EMBEDDING_LENGTH, 0),
        head_count=max(heads) if isinstance(heads, list) else heads,
        head_count_kv=tuple(heads_kv) if isinstance(heads_kv, list | tuple) else (heads_kv,),
        key_length=value(Keys.Attention.KEY_LENGTH, 0),
        value_length=value(Keys.Attention.VALUE_LENGTH, 0),
        chat_template=value(Keys.Tokenizer.CHAT_TEMPLATE, ""),
        shards=max(1, value(Keys.Split.LLM_KV_SPLIT_COUNT, 1)),
        bytes_needed=reader.bytes_needed,
    )


def _file_type(number: int | None) -> str:
    """``Q4_K_M`` for llama.cpp's number 15; empty for one that is not known."""
    if number is None or number not in set(LlamaFileType):
        return ""
    return LlamaFileType(number).name.removeprefix("MOSTLY_").removeprefix("ALL_").removesuffix("_MOE")
